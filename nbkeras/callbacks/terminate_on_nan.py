"""`TerminateOnNaN`: no further training once the loss is no number."""

from __future__ import annotations

import math

from nbkeras.arguments import FLAG, accepts
from nbkeras.callbacks.callback import Callback, Logs
from nbkeras.errors import NbkerasError


class NonFiniteLoss(NbkerasError, RuntimeError):
    """The loss became NaN or infinite."""


class TerminateOnNaN(Callback):
    """Stop as soon as a batch's loss is NaN or infinite.

    It reads the loss after each batch, which a training without it need not do.

    Args:
        raise_error: False ends the training in the ordinary way, with all callbacks' `on_train_end`; True raises.

    Raises:
        NonFiniteLoss: the loss is NaN or infinite and `raise_error` is set.

    Example:
        >>> callback = TerminateOnNaN(raise_error=True)
        >>> callback.on_batch_end(3, {"loss": 0.5})
        >>> callback.on_batch_end(4, {"loss": math.nan})
        Traceback (most recent call last):
        ...
        nbkeras.callbacks.terminate_on_nan.NonFiniteLoss: TerminateOnNaN: the loss after batch 4 is nan.
          Next: try a smaller learning rate or clipnorm=1.0 in the optimizer, and check the data for NaN.

    Source: arguments and rules are those of `keras.callbacks.TerminateOnNaN`.
    """

    @accepts(raise_error=FLAG)
    def __init__(self, raise_error: bool = False):
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise NonFiniteLoss(
                f"TerminateOnNaN: the loss after batch {batch} is {loss}.",
                next="try a smaller learning rate or clipnorm=1.0 in the optimizer, and check the data for NaN.",
            )
        print(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
