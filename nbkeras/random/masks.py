"""Random changes to tensors: dropout, shuffling."""

from __future__ import annotations

from nbkeras import ops
from nbkeras.errors import ArgumentError
from nbkeras.graph.primitives import emit
from nbkeras.ops.common import floating, op, tensor
from nbkeras.random.seed_generator import draw_seed


@op
def dropout(inputs, rate, noise_shape=None, seed=None):
    """Each value set to 0 with probability `rate`, the others scaled by 1 / (1 - rate).

    Args:
        inputs: a tensor.
        rate: from 0 to 1, which leaves nothing.
        noise_shape: shape of the mask, which is broadcast; None in it means the input's length.
        seed: integer, SeedGenerator or None.

    Source: Srivastava et al., "Dropout", 2014.

    Example:
        >>> import numpy as np
        >>> sorted(set(dropout(np.ones((100,), "float32"), 0.5, seed=1).tolist()))
        [0.0, 2.0]
    """
    x = floating(inputs)
    if not 0 <= rate <= 1:
        raise ArgumentError(f"random.dropout: expected a rate from 0 to 1, got {rate!r}.")
    if rate == 1:
        return ops.zeros_like(x)
    if noise_shape is None or tuple(noise_shape) == tuple(x.shape):
        return emit("dropout", x, draw_seed(seed), rate=float(rate))
    shape = tuple(n if m is None else int(m) for m, n in zip(noise_shape, x.shape, strict=True))
    mask = emit(
        "random_bernoulli",
        draw_seed(seed),
        shape=shape,
        dtype=str(x.dtype),
        probability=1.0 - rate,
        value=1.0 / (1.0 - rate),
    )
    return emit("multiply", x, mask)


@op
def shuffle(x, axis=0, seed=None):
    """The slices along an axis in random order.

    Example:
        >>> import numpy as np
        >>> sorted(shuffle(np.arange(5), seed=1).tolist())
        [0, 1, 2, 3, 4]
    """
    x = tensor(x)
    order = emit("random_permutation", draw_seed(seed), n=int(x.shape[axis]))
    return ops.take(x, order, axis=axis)
