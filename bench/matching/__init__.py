"""Finding the right child: accuracy on FEBRL and on a hard register, beside Splink, pg_trgm and a cascade.

``python -m bench.matching`` (or ``make bench-matching``) prints the tables and writes ``bench/out/matching.json``.
"""
