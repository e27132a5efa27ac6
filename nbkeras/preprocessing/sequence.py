"""Sequences, under the names of Keras's `preprocessing.sequence`."""

from nbkeras.utils.sequences import pad_sequences

__all__ = ["pad_sequences"]
