"""Finding the child: from what people wrote to *match*, *possible* or *none*, with no database and no network.

The way through this room, each step a pure function on plain values:

``person`` (as given) → ``record`` (normalised, sealed at rest) → ``tokens`` (what SQL looks up) → ``score`` (same
child, same household, or stranger) → ``bands`` (what may be disclosed). ``criteria`` says when too little was given.
"""
