"""Data sets that ship with the package: reading them needs no network."""

from nbkeras.datasets import digits

__all__ = ["digits"]
