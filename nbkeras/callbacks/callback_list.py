"""The list through which a loop calls all its callbacks, and knows which hooks nobody needs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from nbkeras.arguments import FLAG, accepts
from nbkeras.callbacks.callback import HOOKS, Callback, Logs, overrides
from nbkeras.callbacks.history import History
from nbkeras.callbacks.progbar_logger import ProgbarLogger
from nbkeras.errors import ArgumentTypeError

_BATCH_HOOKS = {
    "train": ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}


class CallbackList(Callback):
    """Calls each hook of its callbacks, in the order given.

    Logs reach the callbacks as plain floats, sorted by name; what one callback adds to the logs of an epoch, such as
    the learning rate, the next ones see, and so does the history, which comes last.

    Args:
        callbacks: callbacks, in lists nested at will, or one callback, or None.
        add_history: add a `History` if there is none.
        add_progbar: add a `ProgbarLogger` if there is none.
        model: the model they belong to.
        **params: what `Callback.params` will hold.

    Attributes:
        shows_progress: True if a `ProgbarLogger` is among them.
        wants_train_batches: True if some callback overrides a hook of the training batches; else a loop need neither
            call these hooks nor read the logs for them.
        wants_test_batches: the same for `evaluate` and validation.
        wants_predict_batches: the same for `predict`.

    Raises:
        ArgumentTypeError: something in the list is no callback.

    Example:
        >>> callbacks = CallbackList([Callback()], add_history=True, epochs=2)
        >>> callbacks.wants_train_batches, len(callbacks), callbacks.params
        (False, 2, {'epochs': 2})
    """

    @accepts(add_progbar=FLAG)
    def __init__(
        self,
        callbacks: Iterable | Callback | None = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ):
        super().__init__()
        self.callbacks = list(_flatten(callbacks))
        for callback in self.callbacks:
            _check(callback)
        self.history = next((callback for callback in self.callbacks if isinstance(callback, History)), None)
        if self.history is None and add_history:
            self.history = History()
            self.callbacks.append(self.history)
        self.shows_progress = any(isinstance(callback, ProgbarLogger) for callback in self.callbacks)
        if add_progbar and not self.shows_progress:
            self.callbacks.append(ProgbarLogger())
            self.shows_progress = True
        self.wants_train_batches = self.wants_test_batches = self.wants_predict_batches = False
        self._find_batch_hooks()
        self.set_model(model)
        self.set_params(params)

    def __len__(self) -> int:
        return len(self.callbacks)

    def __iter__(self):
        return iter(self.callbacks)

    def append(self, callback: Callback) -> None:
        """Add a callback at the end."""
        _check(callback)
        self.callbacks.append(callback)
        self._find_batch_hooks()

    def set_params(self, params: dict | None) -> None:
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model: Any) -> None:
        if model is None:
            return
        super().set_model(model)
        if self.history is not None:
            model.history = self.history
        for callback in self.callbacks:
            callback.set_model(model)

    def on_train_begin(self, logs: Logs = None) -> None:
        self._find_batch_hooks()
        self._call("on_train_begin", logs)

    def on_train_end(self, logs: Logs = None) -> None:
        self._call("on_train_end", logs)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._call("on_epoch_begin", logs, epoch)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._call("on_epoch_end", logs, epoch)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._call("on_train_batch_begin", logs, batch)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._call("on_train_batch_end", logs, batch)

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._call("on_batch_begin", logs, batch)

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._call("on_batch_end", logs, batch)

    def on_test_begin(self, logs: Logs = None) -> None:
        self._find_batch_hooks()
        self._call("on_test_begin", logs)

    def on_test_end(self, logs: Logs = None) -> None:
        self._call("on_test_end", logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._call("on_test_batch_begin", logs, batch)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._call("on_test_batch_end", logs, batch)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._find_batch_hooks()
        self._call("on_predict_begin", logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._call("on_predict_end", logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._call("on_predict_batch_begin", logs, batch)

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._call("on_predict_batch_end", logs, batch)

    def _call(self, hook: str, logs: Logs, *position: int) -> None:
        plain = plain_logs(logs)
        for callback in self.callbacks:
            getattr(callback, hook)(*position, plain)

    def interruption(self) -> str | None:
        return next((reason for callback in self._watchers if (reason := callback.interruption()) is not None), None)

    @contextlib.contextmanager
    def around(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for callback in self._with("around"):
                stack.enter_context(callback.around())
            yield

    def _with(self, method: str) -> list:
        """The callbacks that do something in a method that Keras's do not have."""
        return [callback for callback in self.callbacks if hasattr(callback, method) and overrides(callback, method)]

    def _find_batch_hooks(self) -> None:
        self._watchers = self._with("interruption")
        for phase, hooks in _BATCH_HOOKS.items():
            wanted = any(overrides(callback, hook) for callback in self.callbacks for hook in hooks)
            setattr(self, f"wants_{phase}_batches", wanted)


def plain_logs(logs: Logs) -> dict[str, Any]:
    """A new dict of the logs, sorted, nested dicts flattened, and numbers as Python floats.

    Example:
        >>> plain_logs({"loss": 1, "b": {"a": 2}})
        {'a': 2.0, 'loss': 1.0}
    """
    plain = {}
    for name, value in sorted((logs or {}).items()):
        if isinstance(value, dict):
            plain.update(plain_logs(value))
        else:
            try:
                plain[name] = float(value)
            except (TypeError, ValueError):
                plain[name] = value
    return plain


def _flatten(callbacks: Any) -> Iterable[Any]:
    if callbacks is None:
        return
    if isinstance(callbacks, (list, tuple)):
        for item in callbacks:
            yield from _flatten(item)
    else:
        yield callbacks


def _check(callback: Any) -> None:
    # Classes have the hooks too, but no `self` to call them on.
    if isinstance(callback, type) or not all(hasattr(callback, hook) for hook in HOOKS):
        raise ArgumentTypeError(
            f"callbacks: expected callbacks.Callback objects, got {callback!r}.",
            next=f"write {callback.__name__}()." if isinstance(callback, type) else "subclass callbacks.Callback.",
        )
