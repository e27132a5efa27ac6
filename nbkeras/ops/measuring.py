"""Distances, correlations, signal to noise, attention: sums of products of two tensors."""

from __future__ import annotations

import math

import numpy as np

from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.ops import activating, products, reducing, shaping
from nbkeras.ops import elementwise as el
from nbkeras.ops.common import dtype_name, emit, number, op, promote, tensor


@op
def cdist(x, y):
    """The Euclidean distance of every row of x from every row of y.   (..., N, D), (..., M, D) -> (..., N, M)

    Example:
        >>> import numpy as np
        >>> cdist(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]]))
        array([[5., 1.]])
    """
    x, y = promote(x, y, floating=True)
    if len(x.shape) < 2 or len(y.shape) < 2 or x.shape[-1] != y.shape[-1]:
        raise ShapeError(f"cdist: expected (..., N, D) and (..., M, D), got {tuple(x.shape)} and {tuple(y.shape)}.")
    apart = el.subtract(shaping.expand_dims(x, -2), shaping.expand_dims(y, -3))
    return emit("sqrt", reducing.sum(emit("square", apart), axis=-1))


@op
def correlate(x1, x2, mode="valid"):
    """The sums of products of one vector with the other at every shift.

    Args:
        mode: 'valid' for shifts at which the shorter lies inside the longer, 'full' for all that overlap, 'same' for
            the middle ones, as many as the longer has values.

    Example:
        >>> correlate([1.0, 2.0, 3.0, 4.0], [1.0, 1.0])
        array([3., 5., 7.], dtype=float32)
    """
    a, b = promote(x1, x2, floating=True)
    if len(a.shape) != 1 or len(b.shape) != 1 or not a.shape[0] or not b.shape[0]:
        raise ShapeError(f"correlate: expected two vectors, got shapes {tuple(a.shape)} and {tuple(b.shape)}.")
    n, m = a.shape[0], b.shape[0]
    short, long = min(n, m), max(n, m)
    # Shifts of b against a, from its end at a's first value to its start at a's last.
    first = {"full": 0, "same": short // 2 if n < m else (short - 1) // 2, "valid": short - 1}.get(mode)
    if first is None:
        raise ArgumentError(f"correlate: mode must be 'valid', 'same' or 'full', got {mode!r}.")
    count = {"full": n + m - 1, "same": long, "valid": long - short + 1}[mode]
    padded = shaping.pad(a, ((m - 1, m - 1),))
    windows = emit("gather", padded, (first + np.arange(count)[:, None] + np.arange(m)).astype(np.int64), axis=0)
    return products.matmul(windows, b)


@op
def psnr(x1, x2, max_val):
    """The ratio of the greatest possible value to the error between two signals, in decibels.

    Args:
        max_val: the greatest possible value.

    Example:
        >>> psnr([0.0, 0.5], [0.1, 0.5], max_val=1.0).round(3)
        np.float32(23.01)
    """
    a, b = promote(x1, x2, floating=True)
    if tuple(a.shape) != tuple(b.shape):
        raise ShapeError(f"psnr: shapes {tuple(a.shape)} and {tuple(b.shape)} must match.")
    error = reducing.mean(emit("square", emit("subtract", a, b)))
    top = tensor(max_val, dtype_name(a.dtype))
    return el.subtract(el.multiply(el.log10(top), 20), el.multiply(el.log10(error), 10))


@op
def dot_product_attention(
    query,
    key,
    value,
    bias=None,
    mask=None,
    scale=None,
    is_causal=False,
    flash_attention=None,
    attn_logits_soft_cap=None,
):
    """Values averaged by how well their keys fit each query: softmax(query key' scale + bias) value.

    Args:
        query: (N, T, H, D).
        key: (N, S, K, D), H divisible by K: groups of heads share keys.
        value: (N, S, K, E).
        bias: is added to the scores (N, H, T, S); broadcasts.
        mask: True where a value may be seen; broadcasts to the scores' shape.
        scale: of the products; 1 / sqrt(D) by default.
        is_causal: let each step see values up to its own only.
        flash_attention, attn_logits_soft_cap: accepted as Keras has them; as there on a CPU, they have no effect.

    Returns:
        (N, T, H, E).

    Example:
        >>> import numpy as np
        >>> x = np.ones((2, 5, 4, 8), "float32")
        >>> dot_product_attention(x, x, x, is_causal=True).shape
        (2, 5, 4, 8)

    Source: Vaswani et al., "Attention is all you need", 2017.
    """
    query, key, value = promote(query, key, value, floating=True)
    shapes = [tuple(x.shape) for x in (query, key, value)]
    if any(len(s) != 4 for s in shapes) or key.shape[1:3] != value.shape[1:3] or query.shape[2] % key.shape[2]:
        raise ShapeError(f"dot_product_attention: query, key and value of shapes {shapes} do not fit.")
    n, t, heads, depth = query.shape
    s, groups = key.shape[1:3]
    if groups != heads:
        key, value = (shaping.repeat(x, heads // groups, axis=2) for x in (key, value))
    scores = products.einsum("btnh,bsnh->bnts", query, key)
    scores = emit("multiply", scores, number(scores, 1 / math.sqrt(depth) if scale is None else scale))
    if bias is not None:
        scores = el.add(scores, tensor(bias, dtype_name(scores.dtype)))
    least = number(scores, -0.7 * np.finfo(dtype_name(scores.dtype)).max)
    if is_causal:
        scores = emit("where", np.tril(np.ones((t, s), bool)), scores, least)
    if mask is not None:
        mask = shaping.broadcast_to(tensor(mask, "bool"), (n, heads, t, s))
        scores = emit("where", mask, scores, least)
    return products.einsum("bnts,bsnh->btnh", activating.softmax(scores, axis=-1), value)
