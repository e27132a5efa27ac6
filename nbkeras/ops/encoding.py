"""Functions of neural networks: cross-entropies, encodings."""

from __future__ import annotations

from nbkeras import config
from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.symbol import Symbol
from nbkeras.ops import elementwise as el
from nbkeras.ops import making, reducing, shaping
from nbkeras.ops.activating import log_softmax
from nbkeras.ops.common import axis_of, dtype_name, emit, floating, number, op, promote, tensor


def _softmax_input(p):
    """x, if p is the softmax of x along the last axis inside the active graph, else None."""
    node = p.node if isinstance(p, Symbol) else None
    if node is not None and node.primitive.name == "softmax" and not node.params["log"]:
        return node.inputs[0]
    return None


@op
def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-log of the probability of the target's class.   target (...), output (..., C) -> (...)

    Args:
        target: class numbers; a last axis of length 1 is dropped.
        output: probabilities (clipped to [1e-7, 1 - 1e-7]), or logits.
        from_logits: whether the output is logits.
        axis: where the classes are.

    Raises:
        ShapeError: target and output do not fit, as for one-hot targets; ArgumentError: there is no such axis.

    Example:
        >>> sparse_categorical_crossentropy([1], [[0.25, 0.75]]).round(4)
        array([0.2877], dtype=float32)
    """
    output = floating(output)
    target = tensor(target, "int64")
    rank = len(output.shape)
    if len(target.shape) == rank and target.shape[-1] == 1:
        target = shaping.squeeze(target, -1)
    if rank < 1:
        raise ShapeError("sparse_categorical_crossentropy: output must have an axis of classes, got a lone number.")
    if axis_of(axis, rank, "sparse_categorical_crossentropy") != rank - 1:
        output = shaping.moveaxis(output, axis, -1)
    if tuple(target.shape) != tuple(output.shape[:-1]):
        raise ShapeError(
            f"sparse_categorical_crossentropy: target {tuple(target.shape)} and output {tuple(output.shape)} must "
            "have the same shape but for the last axis, the classes.",
            next="one-hot targets go with categorical_crossentropy.",
        )
    logits = output if from_logits else _softmax_input(output)
    if logits is not None:
        epsilon = 0.0 if from_logits else config.epsilon()
        return emit("softmax_crossentropy", logits, target, epsilon=epsilon)[0]
    hot = making.one_hot(target, output.shape[-1], dtype=dtype_name(output.dtype))
    return categorical_crossentropy(hot, output)


@op
def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-sum(target * log(p)) along an axis.   target, output (..., C) -> (...)

    Args:
        target: one-hot labels, or probabilities.
        output: probabilities (made to add up to 1 and clipped to [1e-7, 1 - 1e-7]), or logits.
        from_logits: whether the output is logits.
        axis: where the classes are.

    Raises:
        ShapeError: target and output differ in shape, as for class numbers; ArgumentError: there is no such axis.

    Example:
        >>> categorical_crossentropy([[0.0, 1.0]], [[0.25, 0.75]]).round(4)
        array([0.2877], dtype=float32)
    """
    target, output = promote(target, floating(output))
    if len(target.shape) != len(output.shape) or len(output.shape) < 1:
        raise ShapeError(
            f"categorical_crossentropy: target {tuple(target.shape)} and output {tuple(output.shape)} must have the "
            "same shape.",
            next="targets that are class numbers go with sparse_categorical_crossentropy.",
        )
    if tuple(target.shape) != tuple(output.shape):
        raise ShapeError(
            f"categorical_crossentropy: target {tuple(target.shape)} and output {tuple(output.shape)} must have the "
            "same shape.",
            next="targets that are class numbers go with sparse_categorical_crossentropy.",
        )
    last = axis_of(axis, len(output.shape), "categorical_crossentropy") == len(output.shape) - 1
    logits = output if from_logits else _softmax_input(output)
    if logits is not None and last:
        epsilon = 0.0 if from_logits else config.epsilon()
        return emit("dense_softmax_crossentropy", logits, target, epsilon=epsilon)[0]
    if from_logits:
        log_p = log_softmax(output, axis)
    else:
        p = emit("divide", output, reducing.sum(output, axis, True))
        log_p = emit("log", el.clip(p, config.epsilon(), 1 - config.epsilon()))
    return emit("negative", reducing.sum(emit("multiply", target, log_p), axis))


@op
def binary_crossentropy(target, output, from_logits=False):
    """-(target * log(p) + (1 - target) * log(1 - p)), elementwise.

    Args:
        target: labels between 0 and 1.
        output: probabilities (clipped to [1e-7, 1 - 1e-7]), or logits, of the same shape.
        from_logits: whether the output is logits.

    Raises:
        ShapeError: target and output differ in shape.

    Example:
        >>> binary_crossentropy([0.0, 1.0], [0.5, 0.75]).round(4)
        array([0.6931, 0.2877], dtype=float32)
    """
    target, output = promote(target, floating(output))
    if tuple(target.shape) != tuple(output.shape):
        raise ShapeError(
            f"binary_crossentropy: target {tuple(target.shape)} and output {tuple(output.shape)} must have the same "
            "shape."
        )
    one = number(output, 1)
    if from_logits:
        # max(x, 0) - x * t + log(1 + exp(-|x|)) is the same, without overflow.
        size = emit("log1p", emit("exp", emit("negative", emit("absolute", output))))
        return emit("add", emit("subtract", emit("relu", output), emit("multiply", output, target)), size)
    p = el.clip(output, config.epsilon(), 1 - config.epsilon())
    yes = emit("multiply", target, emit("log", p))
    no = emit("multiply", emit("subtract", one, target), emit("log", emit("subtract", one, p)))
    return emit("negative", emit("add", yes, no))


@op
def multi_hot(inputs, num_classes=None, axis=-1, dtype=None, sparse=False):
    """1 at each class number that occurs in a row.   (T,) -> (num_classes,), (N, T, ...) -> (N, ..., num_classes)

    Args:
        num_classes: how many classes there are; it must be given.
        axis: where `one_hot` has the classes; of what it gives axis 1, or the only one of a vector's, is gone.
        dtype: floatx by default.
        sparse: not supported; must be False.

    Example:
        >>> multi_hot([0, 2], 4)
        array([1., 0., 1., 0.], dtype=float32)
    """
    if num_classes is None:
        raise ArgumentError("multi_hot: num_classes must be given.")
    inputs = tensor(inputs)
    hot = making.one_hot(inputs, num_classes, axis, dtype, sparse)
    return reducing.max(hot, axis=1 if len(inputs.shape) > 1 else 0)
