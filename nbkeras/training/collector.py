"""Collecting the outputs of batches into whole arrays."""

from __future__ import annotations

import numpy as np

from nbkeras import device, tree
from nbkeras.errors import StateError


class Collector:
    """Puts the outputs of batches into whole arrays.

    Args:
        rows: how many rows there will be at most, None if unknown.

    Example:
        >>> collector = Collector(3)
        >>> collector.add({"a": np.array([1.0, 2.0])})
        >>> collector.add({"a": np.array([3.0])})
        >>> collector.result()
        {'a': array([1., 2., 3.])}
    """

    def __init__(self, rows: int | None):
        self.rows, self.at = rows, 0
        self._parts, self._whole, self._structure = [], None, None

    def add(self, outputs) -> None:
        """Copy the outputs of a batch."""
        leaves = [np.asarray(device.backend().to_host(leaf)) for leaf in tree.flatten(outputs)]
        if self._structure is None:
            self._structure = tree.map_structure(lambda _: 0, outputs)
        n = leaves[0].shape[0]
        if self.rows is not None and (self.at + n > self.rows or any(leaf.shape[0] != n for leaf in leaves)):
            self._without_rows()
        self.at += n
        if self.rows is None:
            self._parts.append([np.array(leaf) for leaf in leaves])
            return
        if self._whole is None:
            self._whole = [np.empty((self.rows, *leaf.shape[1:]), leaf.dtype) for leaf in leaves]
        for whole, leaf in zip(self._whole, leaves, strict=True):
            whole[self.at - n : self.at] = leaf

    def _without_rows(self):
        """Outputs that aren't a row for a row of the data, such as counts, are joined at the end."""
        self.rows = None
        if self._whole is not None:
            self._parts = [[np.array(whole[: self.at]) for whole in self._whole]]

    def result(self):
        """The structure of the outputs, with arrays of all rows."""
        if self._structure is None:
            raise StateError("predict: the data gave no batch.", next="pass at least one row.")
        if self.rows is None:
            whole = [np.concatenate(parts) for parts in zip(*self._parts, strict=True)]
        else:
            whole = [part[: self.at] for part in self._whole]
        return tree.pack_sequence_as(self._structure, whole)
