"""`LambdaCallback`: a callback made of functions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from nbkeras.callbacks.callback import HOOKS, Callback
from nbkeras.errors import ArgumentTypeError, nearest


class LambdaCallback(Callback):
    """Calls functions at hooks, without writing a class.

    Args:
        on_epoch_begin: called with `epoch, logs`.
        on_epoch_end: called with `epoch, logs`.
        on_train_begin: called with `logs`.
        on_train_end: called with `logs`.
        on_train_batch_begin: called with `batch, logs`.
        on_train_batch_end: called with `batch, logs`.
        **kwargs: functions for any other hook of `Callback`, by its name. What no hook is named becomes an attribute;
            a name that looks like a hook's (`on_...`) warns.

    Raises:
        ArgumentTypeError: what is given for a hook cannot be called.

    Example:
        >>> callback = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs))
        >>> callback.on_epoch_end(0, {"loss": 0.5})
        0 {'loss': 0.5}
    """

    def __init__(
        self,
        on_epoch_begin: Callable | None = None,
        on_epoch_end: Callable | None = None,
        on_train_begin: Callable | None = None,
        on_train_end: Callable | None = None,
        on_train_batch_begin: Callable | None = None,
        on_train_batch_end: Callable | None = None,
        **kwargs: Callable | None,
    ):
        super().__init__()
        given: dict[str, Any] = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for hook, function in given.items():
            if function is None:
                continue
            if hook not in HOOKS and hook.startswith("on_"):
                warnings.warn(
                    f"LambdaCallback: there is no hook {hook!r}, so nothing calls it; {nearest(hook, HOOKS)}",
                    stacklevel=2,
                )
            elif hook in HOOKS and not callable(function):
                raise ArgumentTypeError(
                    f"LambdaCallback: {hook} must be a function, got {function!r} of type {type(function).__name__}."
                )
            setattr(self, hook, function)
