"""Losses of similarity: between embeddings of equal and of different labels."""

from __future__ import annotations

import math

from nbkeras import ops
from nbkeras.arguments import FLAG, NUMBER, POSITIVE, accepts
from nbkeras.losses.wrapper import FunctionLoss


def circle(y_true, y_pred, ref_labels=None, ref_embeddings=None, remove_diagonal=True, gamma=80, margin=0.4):
    """Circle loss between embeddings of a batch and references (the batch itself by default).   (N,), (N, E) -> (N,)

    Args:
        y_true: class numbers.
        y_pred: embeddings of length 1.
        ref_labels, ref_embeddings: what each sample is compared with.   (M,), (M, E)
        remove_diagonal: do not compare sample i with reference i.
        gamma: scale.
        margin: how far equal and different labels shall be apart.

    Example:
        >>> circle([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], gamma=1.0).round(4)
        array([0.5459, 0.5459, 0.    ], dtype=float32)

    Source: Sun et al., Circle Loss: A Unified Perspective of Pair Similarity Optimization, 2020.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, "int32")
    references = y_pred if ref_embeddings is None else ops.convert_to_tensor(ref_embeddings)
    labels = y_true if ref_labels is None else ops.cast(ref_labels, "int32")
    distance = ops.maximum(1 - ops.matmul(y_pred, ops.transpose(references)), 0.0)

    same = ops.equal(ops.reshape(y_true, (-1, 1)), ops.reshape(labels, (1, -1)))
    different = ops.logical_not(same)
    if remove_diagonal:
        same = ops.logical_and(same, ops.logical_not(ops.eye(ops.size(y_true), ops.size(labels), dtype="bool")))

    pull = -gamma * ops.maximum(margin + distance, 0.0) * (margin - distance)
    push = gamma * ops.maximum(1 + margin - distance, 0.0) * (1 - margin - distance)
    pull = ops.logsumexp(ops.where(same, pull, -math.inf), axis=1)
    push = ops.logsumexp(ops.where(different, push, -math.inf), axis=1)
    return ops.softplus(pull + push)


class Circle(FunctionLoss):
    """See `circle`; means are over the samples with a loss above 0. The arguments are its own and those of `Loss`.

    Example:
        >>> import numpy as np
        >>> Circle(gamma=1.0)(np.array([0, 0, 1]), np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])).round(4)
        np.float32(0.5459)
    """

    @accepts(gamma=POSITIVE, margin=NUMBER, remove_diagonal=FLAG)
    def __init__(
        self,
        gamma=80.0,
        margin=0.4,
        remove_diagonal=True,
        reduction="sum_over_batch_size",
        name="circle",
        dtype=None,
    ):
        super().__init__(circle, reduction, name, dtype, gamma=gamma, margin=margin, remove_diagonal=remove_diagonal)

    def valid_mask(self, y_true, y_pred, values):
        return ops.greater(values, 0)
