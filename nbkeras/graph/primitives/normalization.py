"""Normalization of channels over all other axes, and of rows over their channels; the channels are the last axis."""

from __future__ import annotations

import math

import numpy as np

from nbkeras.errors import ShapeError
from nbkeras.graph.primitives.elementwise import add, multiply, negative, scale, shift, subtract
from nbkeras.graph.primitives.emit import emit
from nbkeras.graph.primitives.moving import fill
from nbkeras.graph.primitives.pooling import pooled_arrays, pooled_shapes, pooling_of
from nbkeras.graph.primitives.table import primitive, same

#: Elements of a block of rows, and most blocks: each has statistics of its own, which are put together in order.
BLOCK, MOST_BLOCKS = 32768, 64


def _rows(x):
    return math.prod(x.shape[:-1]), x.shape[-1]


def _blocks(x):
    """Rows a block, and blocks: functions of the shape alone."""
    rows, c = _rows(x)
    parts = max(1, min(MOST_BLOCKS, rows, -(-rows * c // BLOCK)))
    block = max(1, -(-rows // parts))
    return block, -(-rows // block)


def _check(node, *vectors):
    c = node.inputs[0].shape[-1]
    for vector in vectors:
        if vector.shape != (c,):
            raise ShapeError(f"{node.primitive.name}: {c} channels need vectors of shape ({c},), got {vector.shape}.")


def _over_rows(x, *, op="sum"):
    return emit("reduce", x, axes=tuple(range(len(x.shape) - 1)), op=op)


def _inverse(variance, epsilon):
    return emit("rsqrt", shift(variance, epsilon))


# y = (x - center) * scale + shift; `relu` and `pool` are set by the fuse pass.


def _affine_infer(node):
    _check(node, *node.inputs[1:])
    return _pixels(node)


def _pixels(node):
    """(shape, dtype) of the rows, or what pooling them gives."""
    pool = node.params.get("pool")
    return same(node) if pool is None else pooled_shapes(node.inputs[0].shape, node.inputs[0].dtype, pool)


def _affine_of(x, center, scale, shift, relu):
    y = (x.astype(np.float64) - center) * scale + shift
    return (np.maximum(y, 0) if relu else y).astype(x.dtype)


def _affine_reference(x, center, scale, shift, relu=False, pool=None):
    y = _affine_of(x, center, scale, shift, relu)
    return y if pool is None else tuple(pooled_arrays(y, pool))


def _affine_grad(node, dy):
    x, center, factor, _ = node.inputs
    total, along = emit("channel_sums", dy, x, center)
    return [multiply(dy, factor), negative(multiply(factor, total)), along, total]


def _affine_launch(low, node, center, factor, offset):
    x, y, relu = node.inputs[0], node.outputs[0], int(node.params.get("relu", False))
    rows, c = _rows(x)
    vectors, cost = [center, factor, offset], 1.0 + 0.1 * c
    pool = pooling_of(node, x.shape)
    if pool is not None and pool.pays(low, "channel_affine"):
        args = [y, x, *vectors, *pool.arrays, c, relu, *pool.numbers]
        low.launch("channel_affine", x.dtype, args, items=pool.rows, cost=cost * rows / pool.rows)
        return
    pixels = y if pool is None else low.temp(x.shape, x.dtype)
    low.launch("channel_affine", x.dtype, [pixels, x, *vectors, None, None, c, relu, 0, 0], items=rows, cost=cost)
    if pool is not None:
        pool.launch(low, pixels)


def _affine_lower(node, low):
    _affine_launch(low, node, *node.inputs[1:])


primitive("channel_affine", infer=_affine_infer, reference=_affine_reference, grad=_affine_grad, lower=_affine_lower)

# The two sums of a gradient over channels: of g and of g * (x - center). Two more inputs, scale and shift, are given by
# the fuse pass: then only the gradient counts that passed the relu of channel_affine.


def _gated(dy, x, center, gate):
    if not gate:
        return dy
    factor, offset = gate
    return np.where(((x.astype(np.float64) - center) * factor + offset).astype(x.dtype) > 0, dy, 0)


def _sums_infer(node):
    _check(node, *node.inputs[2:])
    c = node.inputs[2]
    return [(c.shape, c.dtype), (c.shape, c.dtype)]


def _sums_reference(dy, x, center, *gate):
    dy = _gated(dy, x, center, gate).astype(np.float64)
    axes = tuple(range(x.ndim - 1))
    return dy.sum(axes).astype(x.dtype), (dy * (x.astype(np.float64) - center)).sum(axes).astype(x.dtype)


def _sums_grad(node, first, second):
    dy, x, center = node.inputs
    zeros = np.zeros(center.shape, center.dtype)
    first, second = (zeros if g is None else g for g in (first, second))
    to_center = negative(multiply(second, node.outputs[0]))
    return [emit("channel_affine", x, center, second, first), multiply(dy, second), to_center]


def _sums_lower(node, low):
    dy, x, center, *gate = node.inputs
    rows, c = _rows(x)
    if rows == 0:
        for output in node.outputs:
            fill(low, output, 0)
        return
    block, parts = _blocks(x)
    partial = low.temp((parts, 2, c), x.dtype)
    factor, offset = gate or (None, None)
    args = [partial, dy, x, center, factor, offset, rows, block, c, int(bool(gate))]
    low.launch("channel_sums", x.dtype, args, items=parts, cost=0.12 * block * c)
    args = [*node.outputs, partial, parts, c]
    low.launch("channel_totals", x.dtype, args, items=c, cost=0.1 * parts)


primitive("channel_sums", infer=_sums_infer, reference=_sums_reference, grad=_sums_grad, lower=_sums_lower)

# g * a + (x - center) * b + d, g gated as above.


def _mix_infer(node):
    _check(node, *node.inputs[2:])
    return same(node)


def _mix_reference(dy, x, center, a, b, d, *gate):
    return (_gated(dy, x, center, gate) * a + (x.astype(np.float64) - center) * b + d).astype(x.dtype)


def _mix_grad(node, g):
    dy, x, center, a, b, _ = node.inputs
    total, along = emit("channel_sums", g, x, center)
    to_a = _over_rows(multiply(g, dy))
    return [multiply(g, a), multiply(g, b), negative(multiply(b, total)), to_a, along, total]


def _mix_lower(node, low):
    dy, x, center, a, b, d, *gate = node.inputs
    rows, c = _rows(x)
    factor, offset = gate or (None, None)
    args = [node.outputs[0], dy, x, center, a, b, d, factor, offset, c, int(bool(gate))]
    low.launch("channel_mix", x.dtype, args, items=rows, cost=1.0 + 0.15 * c)


primitive("channel_mix", infer=_mix_infer, reference=_mix_reference, grad=_mix_grad, lower=_mix_lower)

# Outputs: (x - mean) * scale + beta, mean, variance, and scale = gamma / sqrt(variance + epsilon). With `pool` the
# first is pooled, and its places are the last if they are kept.


def _batch_infer(node):
    _check(node, *node.inputs[1:])
    x, vector = node.inputs[:2]
    y, *places = _pixels(node)
    return [y, *[(vector.shape, x.dtype)] * 3, *places]


def _batch_reference(x, gamma, beta, epsilon, relu=False, pool=None):
    axes = tuple(range(x.ndim - 1))
    wide = x.astype(np.float64)
    with np.errstate(all="ignore"):
        mean = wide.sum(axes) / math.prod(x.shape[:-1] or (1,)) if x.size else np.full(x.shape[-1], np.nan)
        variance = ((wide - mean) ** 2).sum(axes) / math.prod(x.shape[:-1]) if x.size else mean
    factor = gamma / np.sqrt(variance + epsilon)
    y = _affine_of(x, mean, factor, beta, relu)
    y, *places = [y] if pool is None else pooled_arrays(y, pool)
    return (y, *(v.astype(x.dtype) for v in (mean, variance, factor)), *places)


def _batch_grad(node, dy, to_mean, to_variance, to_factor):
    x, gamma, _ = node.inputs
    y, mean, variance, factor = node.outputs
    rows = math.prod(x.shape[:-1])
    inverse = _inverse(variance, node.params["epsilon"])
    zeros = np.zeros(mean.shape, mean.dtype)
    to_gamma = to_beta = None
    # What reaches the mean goes to each x with 1 / rows; what reaches the variance with 2 (x - mean) / rows.
    if dy is None:
        dy = np.zeros(y.shape, y.dtype)
        total = along = zeros
    else:
        total, along = emit("channel_sums", dy, x, mean)
        to_gamma, to_beta = multiply(along, inverse), total
    to_variance = zeros if to_variance is None else to_variance
    slope = multiply(along, gamma)  # what reaches 1 / sqrt(variance + epsilon)
    if to_factor is not None:
        to_gamma = multiply(to_factor, inverse) if to_gamma is None else add(to_gamma, multiply(to_factor, inverse))
        slope = add(slope, multiply(to_factor, gamma))
    cube = multiply(emit("square", inverse), inverse)
    to_variance = subtract(to_variance, scale(multiply(slope, cube), 0.5))
    away = scale(to_variance, 2 / max(1, rows))
    level = negative(multiply(factor, total))
    level = scale(level if to_mean is None else add(level, to_mean), 1 / max(1, rows))
    return [emit("channel_mix", dy, x, mean, factor, away, level), to_gamma, to_beta]


def _batch_lower(node, low):
    x, gamma, beta = node.inputs
    mean, variance, factor = node.outputs[1:4]
    rows, c = _rows(x)
    if rows == 0:
        for output in (mean, variance, factor):
            fill(low, output, math.nan)
        return
    block, parts = _blocks(x)
    partial = low.temp((parts, 2, c), x.dtype)
    low.launch("channel_moments", x.dtype, [partial, x, rows, block, c], items=parts, cost=0.1 * block * c)
    args = [mean, variance, factor, partial, gamma, rows, block, c, float(node.params["epsilon"])]
    low.launch("channel_merge", x.dtype, args, items=c, cost=0.5 * parts)
    _affine_launch(low, node, mean, factor, beta)


primitive("batch_norm", infer=_batch_infer, reference=_batch_reference, grad=_batch_grad, lower=_batch_lower)

# Rows: (x - mean) * inverse * gamma + beta, mean, inverse = 1 / sqrt(variance + epsilon). Where `centered` is false the
# mean counts as 0.


def _row_infer(node):
    _check(node, *node.inputs[1:])
    x = node.inputs[0]
    return [(x.shape, x.dtype), *[(x.shape[:-1], x.dtype)] * 2]


def _row_reference(x, gamma, beta, epsilon, centered):
    wide = x.astype(np.float64)
    mean = wide.mean(-1) if centered else np.zeros(x.shape[:-1])
    inverse = 1 / np.sqrt(((wide - mean[..., None]) ** 2).mean(-1) + epsilon)
    y = (wide - mean[..., None]) * inverse[..., None] * gamma + beta
    return y.astype(x.dtype), mean.astype(x.dtype), inverse.astype(x.dtype)


def _column(vector):
    """Numbers of rows in the shape that meets the rows."""
    return emit("reshape", vector, shape=(*vector.shape, 1))


def _row_mean(x):
    return scale(emit("reduce", x, axes=(len(x.shape) - 1,), op="sum"), 1 / max(1, x.shape[-1]))


def _row_grad(node, dy, to_mean, to_inverse):
    x, gamma, _ = node.inputs
    _, mean, inverse = node.outputs
    centered = node.params["centered"]
    gradients = [None, None, None]
    if dy is not None:
        gradients = list(emit("row_norm_gradient", dy, x, mean, inverse, gamma, centered=centered))
    level = None
    if to_inverse is not None:  # through the variance: -inverse**3 * (x - mean) / c
        cube = multiply(emit("square", inverse), inverse)
        slope = scale(multiply(to_inverse, cube), -1 / max(1, x.shape[-1]))
        level = multiply(subtract(x, _column(mean)), _column(slope))
    if to_mean is not None and centered:
        even = emit("broadcast_to", _column(scale(to_mean, 1 / max(1, x.shape[-1]))), shape=x.shape)
        level = even if level is None else add(level, even)
    if level is not None:
        gradients[0] = level if gradients[0] is None else add(gradients[0], level)
    return gradients


def _row_lower(node, low):
    x, gamma, beta = node.inputs
    rows, c = _rows(x)
    p = node.params
    args = [*node.outputs, x, gamma, beta, c, float(p["epsilon"]), int(p["centered"])]
    low.launch("row_norm", x.dtype, args, items=rows, cost=10.0 + 0.25 * c)


primitive("row_norm", infer=_row_infer, reference=_row_reference, grad=_row_grad, lower=_row_lower)

# Gradients to x, gamma and beta.


def _row_gradient_infer(node):
    _check(node, node.inputs[4])
    x, gamma = node.inputs[1], node.inputs[4]
    return [(x.shape, x.dtype), (gamma.shape, x.dtype), (gamma.shape, x.dtype)]


def _row_gradient_reference(dy, x, mean, inverse, gamma, centered):
    mean, inverse = mean[..., None], inverse[..., None]
    h = (x.astype(np.float64) - mean) * inverse
    g = dy * gamma.astype(np.float64)
    level = g.mean(-1, keepdims=True) if centered else 0
    dx = inverse * (g - level - h * (g * h).mean(-1, keepdims=True))
    axes = tuple(range(x.ndim - 1))
    return tuple(v.astype(x.dtype) for v in (dx, (dy * h).sum(axes), dy.astype(np.float64).sum(axes)))


def _row_gradient_grad(node, to_dx, to_gamma, to_beta):
    # dx = inverse * (g - m - h * s), h = (x - mean) * inverse, g = dy * gamma, m = mean of g, s = mean of g * h:
    # the rule once more, from the last line up.
    dy, x, mean, inverse, gamma = node.inputs
    centered = node.params["centered"]
    root = _column(inverse)
    away = subtract(x, _column(mean))
    h, g = multiply(away, root), multiply(dy, gamma)
    zeros = np.zeros((), x.dtype)
    g_h, to_dy, to_g, to_vector = zeros, zeros, zeros, zeros
    if to_dx is not None:
        s = _column(_row_mean(multiply(g, h)))
        level = _column(_row_mean(g)) if centered else zeros
        inside = subtract(subtract(g, level), multiply(h, s))
        to_root = emit("reduce", multiply(to_dx, inside), axes=(len(x.shape) - 1,), op="sum")
        part = multiply(to_dx, root)  # what reaches the bracket
        to_s = negative(_column(_row_mean(multiply(part, h))))
        to_g = add(part, multiply(h, to_s))
        if centered:
            to_g = subtract(to_g, _column(_row_mean(part)))
        g_h = subtract(multiply(g, to_s), multiply(part, s))
        to_dy = multiply(to_g, gamma)
        to_vector = _over_rows(multiply(to_g, dy))
    else:
        to_root = np.zeros(inverse.shape, x.dtype)
    if to_gamma is not None:
        g_h = add(g_h, multiply(dy, to_gamma))
        to_dy = add(to_dy, multiply(h, to_gamma))
    if to_beta is not None:
        to_dy = add(to_dy, to_beta)
    shape = x.shape
    g_h, to_dy = (emit("broadcast_to", v, shape=shape) for v in (g_h, to_dy))
    to_x = multiply(g_h, root)
    to_mean = negative(emit("reduce", to_x, axes=(len(shape) - 1,), op="sum"))
    to_inverse = add(to_root, emit("reduce", multiply(g_h, away), axes=(len(shape) - 1,), op="sum"))
    return [to_dy, to_x, to_mean, to_inverse, emit("broadcast_to", to_vector, shape=gamma.shape)]


def _row_gradient_lower(node, low):
    dy, x, mean, inverse, gamma = node.inputs
    dx, to_gamma, to_beta = node.outputs
    rows, c = _rows(x)
    if rows == 0:
        fill(low, to_gamma, 0)
        fill(low, to_beta, 0)
        return
    block, parts = _blocks(x)
    partial = low.temp((parts, 2, c), x.dtype)
    args = [dx, partial, dy, x, mean, inverse, gamma, rows, block, c, int(node.params["centered"])]
    low.launch("row_norm_gradient", x.dtype, args, items=parts, cost=block * (20.0 + 0.5 * c))
    low.launch("channel_totals", x.dtype, [to_gamma, to_beta, partial, parts, c], items=c, cost=0.1 * parts)


primitive(
    "row_norm_gradient",
    infer=_row_gradient_infer,
    reference=_row_gradient_reference,
    grad=_row_gradient_grad,
    lower=_row_gradient_lower,
)
