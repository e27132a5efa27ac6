"""`CSVLogger`: a line of a CSV file for each epoch."""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Iterable
from typing import Any, TextIO

import numpy as np

from nbkeras.callbacks.callback import Callback, Logs


class CSVLogger(Callback):
    """Write the logs of each epoch to a file as soon as the epoch is over, so that they survive a crash.

    The columns are `epoch` and the first epoch's logs; if these hold no validation results, columns for them are kept
    free, for epochs with validation. A value that an epoch lacks is `NA`. A file that is appended to keeps its columns.

    Args:
        filename: the file's path.
        separator: what stands between values.
        append: True to go on in an existing file, False to start it anew.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "log.csv")
        >>> logger = CSVLogger(path)
        >>> logger.on_train_begin()
        >>> logger.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.6})
        >>> path.read_text().split()
        ['epoch,loss,val_loss', '0,0.5,0.6']
        >>> logger.on_train_end()

    Source: arguments and file format are those of `keras.callbacks.CSVLogger`.
    """

    def __init__(self, filename: str | os.PathLike, separator: str = ",", append: bool = False):
        super().__init__()
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self._file: TextIO | None = None
        self._writer: csv.DictWriter | None = None
        self._columns: list[str] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        self._close()
        self._columns = self._existing_columns() if self.append else []
        # Opened here, not at the first epoch's end, so that an unwritable path costs no training.
        self._file = open(self.filename, "a" if self.append else "w", newline="")  # noqa: SIM115

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = logs or {}
        if self._writer is None:
            self._start_writing(logs)
        row = {name: _as_cell(logs.get(name, "NA")) for name in self._columns}
        self._writer.writerow({**row, "epoch": epoch})
        self._file.flush()

    def on_train_end(self, logs: Logs = None) -> None:
        self._close()

    def _start_writing(self, logs: Logs) -> None:
        is_new = not self._columns
        if is_new:
            names = sorted(logs)
            validation = [] if any(name.startswith("val_") for name in names) else [f"val_{name}" for name in names]
            self._columns = ["epoch", *names, *validation]
        dropped = [name for name in logs if name not in self._columns]
        if dropped:
            warnings.warn(
                f"CSVLogger: {self.filename!r} has no columns for {', '.join(dropped)}, which are left out. "
                "Log to another file, or pass append=False.",
                stacklevel=3,
            )
        self._writer = csv.DictWriter(self._file, self._columns, delimiter=self.sep)
        if is_new:
            self._writer.writeheader()

    def _existing_columns(self) -> list[str]:
        if not os.path.exists(self.filename):
            return []
        with open(self.filename, newline="") as file:
            return next(csv.reader(file, delimiter=self.sep), [])

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._writer = None


def _as_cell(value: Any) -> Any:
    if isinstance(value, str) or np.ndim(value) == 0 or not isinstance(value, Iterable):
        return value
    return f'"[{", ".join(map(str, value))}]"'
