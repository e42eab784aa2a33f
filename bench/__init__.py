"""The benchmarks: each prints a table beside its floor and its goals, and writes the same figures to ``bench/out``."""
