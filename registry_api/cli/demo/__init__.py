"""The demonstration: an invented authority with a synthetic register, asked for real, over HTTP.

Everybody in it is invented: families are called "Demo-…", telephone numbers are of the range that is kept for drama
(01632 960000 to 960999), postcodes are not in use.
"""
