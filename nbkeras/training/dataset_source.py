"""Batches of a `PyDataset`, made ahead by threads or spawned processes if it asks for workers."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from nbkeras.errors import DataError
from nbkeras.training.batch_source import as_batch
from nbkeras.training.source import Batch, Source, permutation, window
from nbkeras.utils.data import PyDataset

if TYPE_CHECKING:
    from concurrent.futures import Executor


class DatasetSource(Source):
    """A source over a `PyDataset`; batches come in the same order whatever the number of workers.

    Args:
        dataset: the data set.
        steps: batches per epoch, or None for all it has.
        shuffle: True for a new order of the batches each epoch (not for an endless data set, as in Keras).
        seed: the order of an epoch depends on it and the epoch only.
        class_weight: weights by class index, or None.
        caller: the method the user called, for messages.

    Raises:
        DataError: no batch at all, or endless without `steps`.
    """

    def __init__(
        self,
        dataset: PyDataset,
        steps: int | None,
        shuffle: bool | str,
        seed: int,
        class_weight: dict | None,
        caller: str,
    ):
        super().__init__(steps, caller)
        self._dataset = dataset
        self._name = type(dataset).__name__
        self._shuffle = bool(shuffle)
        self._seed = seed
        self._class_weight = class_weight
        size = self._size()
        if size == 0:
            raise DataError(f"{caller}: the {self._name} given as x has 0 batches.", next="check its __len__.")
        if size is None and steps is None:
            raise DataError(
                f"{caller}: the {self._name} given as x is endless (num_batches is None) and no steps were given.",
                next="pass steps_per_epoch to fit, or steps to evaluate and predict.",
            )
        if dataset.use_multiprocessing:
            self._check_can_be_sent()

    def _size(self) -> int | None:
        try:
            return self._dataset.num_batches
        except NotImplementedError as error:
            raise DataError(f"{self.caller}: {error}", next="see the example of utils.PyDataset.") from error

    @property
    def num_batches(self) -> int | None:
        size = self._size()
        return self.steps if size is None else min(self.steps or size, size)

    def peek(self) -> Batch:
        return as_batch(self._dataset[0], self._class_weight, self.caller)

    def get_state(self) -> dict:
        own = self._dataset.get_state() if hasattr(self._dataset, "get_state") else None
        return {"seed": self._seed, "dataset": own}

    def set_state(self, state: dict) -> None:
        self._seed = state["seed"]
        if state["dataset"] is not None:
            self._dataset.set_state(state["dataset"])

    def describe(self) -> list:
        return [*super().describe(), self._name, self._size(), self._shuffle]

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        self._dataset.on_epoch_begin()
        try:
            indices = self._indices(epoch)
            for data in self._fetch(indices[start:]):
                yield as_batch(data, self._class_weight, self.caller)
            if self.steps and len(indices) < self.steps:
                self._warn_ran_out(len(indices))
        finally:
            self._dataset.on_epoch_end()

    def _indices(self, epoch: int) -> range | list[int]:
        size = self._size()
        if size is None:
            return range(epoch * self.steps, (epoch + 1) * self.steps)
        number, first, last = window(epoch, self.steps, size)
        return permutation(self._seed, number, size)[first:last].tolist() if self._shuffle else range(first, last)

    def _fetch(self, indices: Iterable[int]) -> Iterator[Any]:
        workers, processes = self._dataset.workers, self._dataset.use_multiprocessing
        if workers > 1 or (workers == 1 and processes):
            make_executor = self._processes if processes else self._threads
            yield from _fetch_ahead(make_executor(workers), indices, max(workers, self._dataset.max_queue_size))
        else:
            for index in indices:
                yield self._dataset[index]

    def _threads(self, workers: int) -> tuple[Executor, Any]:
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(workers, thread_name_prefix="nbkeras-data"), self._dataset.__getitem__

    def _processes(self, workers: int) -> tuple[Executor, Any]:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        # A data set may change itself in on_epoch_end, so each epoch's processes start from its present state.
        pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_receive, initargs=(self._dataset,))
        return pool, _get_batch

    def _check_can_be_sent(self) -> None:
        """Find out before work starts, and without half-started processes, whether workers could get the data set."""
        import pickle

        try:
            pickle.dumps(self._dataset)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise DataError(
                f"{self.caller}: {self._name} has use_multiprocessing=True but cannot be pickled: {error}.",
                next="set use_multiprocessing=False to use threads, or open files and locks inside __getitem__.",
            ) from error


def _fetch_ahead(executor_and_task: tuple[Executor, Any], indices: Iterable[int], depth: int) -> Iterator[Any]:
    """Yield the task's results in order, with at most `depth` of them under way or waiting."""
    from concurrent.futures import BrokenExecutor

    executor, task = executor_and_task
    remaining = iter(indices)
    try:
        waiting = deque(executor.submit(task, index) for index in itertools.islice(remaining, depth))
        while waiting:
            try:
                data = waiting.popleft().result()
                waiting.extend(executor.submit(task, index) for index in itertools.islice(remaining, 1))
            except BrokenExecutor as error:
                raise DataError(
                    "PyDataset: a worker process died while it made a batch.",
                    next="put the script's training under `if __name__ == '__main__':`, or use threads "
                    "(use_multiprocessing=False).",
                ) from error
            yield data
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


#: The data set of a worker process; each process serves one epoch of one data set.
_worker_dataset: PyDataset | None = None


def _receive(dataset: PyDataset) -> None:
    global _worker_dataset
    _worker_dataset = dataset


def _get_batch(index: int) -> Any:
    return _worker_dataset[index]
