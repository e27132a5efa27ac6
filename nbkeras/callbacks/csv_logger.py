"""`CSVLogger`: a line of a CSV file for each epoch."""

from __future__ import annotations

import csv
import io
import os
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from nbkeras.arguments import FLAG, PATH, TEXT, accepts
from nbkeras.callbacks.callback import Callback, Logs
from nbkeras.saving.atomic import write_bytes


class CSVLogger(Callback):
    """Write the logs of each epoch to a file as soon as the epoch is over, so that they survive a crash.

    The file always has whole rows: it is replaced in one step.

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

    @accepts(filename=PATH, separator=TEXT, append=FLAG)
    def __init__(self, filename: str | os.PathLike, separator: str = ",", append: bool = False):
        super().__init__()
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self._columns: list[str] = []
        self._fresh = not append
        self._warned = False

    def on_train_begin(self, logs: Logs = None) -> None:
        self._columns = self._existing_columns() if self.append else []
        self._fresh, self._warned = not self.append, False
        # An unwritable path fails here, not at the first epoch's end. What is in the file stays until the first row is
        # written: a training that is taken up again goes on with it.
        with open(self.filename, "a"):
            pass

    def get_state(self) -> dict:
        return {"columns": self._columns, "size": 0 if self._fresh else os.path.getsize(self.filename)}

    def set_state(self, state: dict) -> None:
        # Rows of epochs that are trained again go, so that each epoch has one row.
        self._columns = state["columns"]
        self._fresh = not self._columns and not self.append
        if not self._fresh and state["size"] <= os.path.getsize(self.filename):
            write_bytes(self.filename, self._content()[: state["size"]])

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = logs or {}
        is_new = not self._columns
        if is_new:
            self._columns = self._new_columns(logs)
        self._warn_dropped(logs)
        row = {name: _as_cell(logs.get(name, "NA")) for name in self._columns}
        added = io.StringIO(newline="")
        writer = csv.DictWriter(added, self._columns, delimiter=self.sep)
        if is_new:
            writer.writeheader()
        writer.writerow({**row, "epoch": epoch})
        # The whole file in one step: a full disk or a kill leaves no half of a row.
        write_bytes(self.filename, b"" if self._fresh else self._content(), added.getvalue().encode())
        self._fresh = False

    def _content(self) -> bytes:
        with open(self.filename, "rb") as file:
            return file.read()

    @staticmethod
    def _new_columns(logs) -> list[str]:
        names = sorted(logs)
        validation = [] if any(name.startswith("val_") for name in names) else [f"val_{name}" for name in names]
        return ["epoch", *names, *validation]

    def _warn_dropped(self, logs) -> None:
        dropped = [name for name in logs if name not in self._columns]
        if dropped and not self._warned:
            self._warned = True
            warnings.warn(
                f"CSVLogger: {self.filename!r} has no columns for {', '.join(dropped)}, which are left out. "
                "Log to another file, or pass append=False.",
                stacklevel=3,
            )

    def _existing_columns(self) -> list[str]:
        if not os.path.exists(self.filename):
            return []
        with open(self.filename, newline="") as file:
            return next(csv.reader(file, delimiter=self.sep), [])


def _as_cell(value: Any) -> Any:
    if isinstance(value, str) or np.ndim(value) == 0 or not isinstance(value, Iterable):
        return value
    return f'"[{", ".join(map(str, value))}]"'
