"""The common interface of everything that feeds a training, evaluation or prediction loop.

A `Source` answers three questions: how many batches an epoch has (`num_batches`, None if unknown), what the first
batch looks like (`peek()`, to build the model), and what the batches of epoch `e` are (`batches(e)`).

- An array source yields `Rows`: which rows to gather. The loop copies them from `source.columns` straight into its
  own buffers with `take_rows`, so no batch array is ever made. `source.take(rows)` makes one for those who want it.
- Every other source yields `Batch`: ready NumPy arrays `(x, y, sample_weight)`.

`batches(e)` already honours `steps`: it ends after that many batches, goes on where the last epoch stopped, and warns
when the data runs out early. `exhausted` turns True when a source that cannot start again has no more batches: the
loop then stops, as a further epoch would be empty.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np


class Rows(NamedTuple):
    """The rows of one batch of an array source.

    Args:
        indices: int64 row numbers, a view of the epoch's order.
        start: where the view starts in the order.
        stop: where it ends.
        contiguous: True if `indices` is `start, start + 1, ..., stop - 1`, so that a slice does.
    """

    indices: np.ndarray
    start: int
    stop: int
    contiguous: bool


class Batch(NamedTuple):
    """One batch as nested NumPy arrays; `y` and `sample_weight` are None where absent."""

    x: Any
    y: Any = None
    sample_weight: Any = None


class Source(ABC):
    """What a loop iterates over; see the module's text.

    Attributes:
        batch_size: rows of a full batch, None if the user's object decides.
        num_samples: rows in all, None if unknown.
        steps: batches per epoch as the user asked, or None for all there are.
        exhausted: True once no further epoch can have a batch.
        columns: `(x, y, sample_weight)` of an array source, None for others.
    """

    batch_size: int | None = None
    num_samples: int | None = None
    columns: tuple | None = None

    def __init__(self, steps: int | None, caller: str):
        self.steps = steps
        self.caller = caller
        self.exhausted = False

    @property
    @abstractmethod
    def num_batches(self) -> int | None:
        """Batches in an epoch, None if nobody knows before it ends."""

    @abstractmethod
    def peek(self) -> Batch:
        """The first batch, without using it up."""

    @abstractmethod
    def batches(self, epoch: int, start: int = 0) -> Iterator[Rows | Batch]:
        """The batches of one epoch, counted from 0; with `start`, those from that number on."""

    def get_state(self) -> dict:
        """What must be kept to go on with the same batches in another process."""
        return {}

    def set_state(self, state: dict) -> None:
        """Take up what `get_state` gave, before the first batch is asked for."""
        return None

    def describe(self) -> list:
        """What tells these data from others: kind, rows, sizes."""
        return [type(self).__name__, self.num_samples, self.batch_size, self.steps]

    def rewind(self) -> None:
        """Let the next epoch begin at the first batch again, where the data can; for repeated validation.

        Only streams keep a place of their own; for all others the epoch number says it all.
        """
        return None

    def _warn_ran_out(self, done: int) -> None:
        warnings.warn(
            f"{self.caller}: the input ran out of data after {done} of {self.steps} steps, so the epoch ends here. "
            "Make sure that the data has at least steps_per_epoch * epochs batches, or leave out the steps argument.",
            stacklevel=3,
        )


def window(epoch: int, steps: int | None, size: int) -> tuple[int, int, int]:
    """Which pass over `size` batches an epoch of `steps` belongs to, and which of its batches it covers.

    As in Keras, epochs shorter than the data continue where the last one stopped, and an epoch never crosses the end
    of a pass. It depends on the epoch number only, so a resumed training sees the same batches.

    Example:
        >>> [window(epoch, 2, 5) for epoch in range(4)]
        [(0, 0, 2), (0, 2, 4), (0, 4, 5), (1, 0, 2)]
    """
    if steps is None:
        return epoch, 0, size
    epochs_in_pass = -(-size // steps)
    start = epoch % epochs_in_pass * steps
    return epoch // epochs_in_pass, start, min(start + steps, size)


def permutation(seed: int, epoch: int, count: int) -> np.ndarray:
    """A shuffled `arange(count)` that is a pure function of seed and epoch (P8 and D7 of the requirements).

    Source: Philox counter-based numbers, Salmon et al. 2011, keyed with the pair.

    Example:
        >>> sorted(permutation(1, 0, 4).tolist()), bool((permutation(1, 0, 9) == permutation(1, 1, 9)).all())
        ([0, 1, 2, 3], False)
    """
    key = np.array([seed % 2**64, epoch], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key)).permutation(count).astype(np.int64, copy=False)
