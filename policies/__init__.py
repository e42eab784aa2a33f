"""May they: who is asking, for what purpose, under which authority's procedures, and the decision.

Knows no HTTP and no database. ``auth`` and ``registry_api`` import from here; this imports neither.
"""
