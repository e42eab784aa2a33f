"""The authority's own staff: how they sign in (OpenID Connect), and the sessions that come of it."""
