"""The loss of label sequences that are not aligned with the steps of the output."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.errors import ShapeError
from nbkeras.losses.loss import Loss
from nbkeras.losses.wrapper import FunctionLoss


def ctc(y_true, y_pred):
    """-log P of each label sequence, over all ways to align it.   (N, L), (N, T, C) -> (N,)

    Args:
        y_true: labels from 1 on, filled up with 0.
        y_pred: logits; class 0 stands for no label.

    Example:
        >>> import numpy as np
        >>> ctc(np.array([[1, 2]]), np.zeros((1, 4, 3), "float32")).round(4)
        array([1.6864], dtype=float32)

    Source: Graves et al., "Connectionist temporal classification", 2006.
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) != 2 or len(y_pred.shape) != 3:
        raise ShapeError(
            f"ctc: expected labels (N, L) and logits (N, T, C), got {tuple(y_true.shape)} and {tuple(y_pred.shape)}."
        )
    lengths = ops.sum(ops.cast(ops.not_equal(y_true, 0), "int32"), axis=-1)
    steps = ops.full(y_pred.shape[:1], y_pred.shape[1], dtype="int32")
    return ops.ctc_loss(y_true, y_pred, lengths, steps, mask_index=0)


class CTC(FunctionLoss):
    """See `ctc`; the arguments are those of `Loss`.

    Example:
        >>> import numpy as np
        >>> CTC()(np.array([[1, 2]]), np.zeros((1, 4, 3), "float32")).round(4)
        np.float32(1.6864)
    """

    def __init__(self, reduction="sum_over_batch_size", name="ctc", dtype=None):
        super().__init__(ctc, reduction, name, dtype)

    def get_config(self):
        return Loss.get_config(self)
