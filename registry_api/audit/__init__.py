"""Who looked: the access log searched by those who answer for it, and told to those whom it concerns."""
