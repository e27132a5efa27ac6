"""Benchmarks of nbkeras for asv; every result is lower-is-better. See ../README.md."""
