"""Pooling over windows of (n, d, h, w, c): the greatest, the mean, and their gradients.

Parameters of all rows: `window`, `strides`, `before` (places outside the input, before it) and `out` (how many
windows), three numbers each; windows are cut at the borders. Gradients have the input's `shape` besides.
"""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np

from nbkeras.errors import ArgumentError
from nbkeras.graph.primitives.emit import emit
from nbkeras.graph.primitives.table import primitive

#: Places of a window that a 16-bit number can tell apart.
MOST_PLACES = 2**16


def _geometry(shape, window, strides, before, out):
    """What the kernels take as `shape`."""
    return np.array([*shape[1:4], *out, *window, *strides, *before, shape[4]], np.int64)


def window_of(params):
    """How the window moves, of a node's parameters."""
    return {name: params[name] for name in ("window", "strides", "before", "out")}


def _out_shape(node):
    x = node.inputs[0]
    return (x.shape[0], *node.params["out"], x.shape[4])


def _taps(shape, window, strides, before, out):
    """For each place of a window its number, where x is read, and where y is: the windows that have it inside."""
    for number, place in enumerate(itertools.product(*map(range, window))):
        source, target = [slice(None)], [slice(None)]
        for n, k, s, b, o in zip(shape[1:4], place, strides, before, out, strict=True):
            low = max(0, -(-(b - k) // s))
            high = min(o, (n - 1 + b - k) // s + 1)
            if high <= low:
                break
            target.append(slice(low, high))
            source.append(slice(low * s - b + k, (high - 1) * s - b + k + 1, s))
        else:
            yield number, tuple(source), tuple(target)


def _max_infer(node):
    if math.prod(node.params["window"]) > MOST_PLACES:
        raise ArgumentError(
            f"max_pool: a window of {node.params['window']} has more than {MOST_PLACES} places.",
            next="pool in two steps, or take ops.max along the axes.",
        )
    x = node.inputs[0]
    return pooled_shapes(x.shape, x.dtype, node.params)


@dataclasses.dataclass
class Pooling:
    """Max pooling of pixels as they are made: where it is written, and how the window moves.

    Args:
        y, places: the pooled pixels, and the places in their windows or None.
        shape: that of the pixels, (n, d, h, w, c); the others as the primitives have them.
    """

    y: object
    places: object
    shape: tuple
    window: tuple
    strides: tuple
    before: tuple
    out: tuple

    @property
    def rows(self) -> int:
        """Rows of pooled pixels."""
        return self.shape[0] * self.out[0] * self.out[1]

    @property
    def arrays(self) -> list:
        """What a kernel that pools takes as `places` and `shape`."""
        return [self.places, _geometry(self.shape, self.window, self.strides, self.before, self.out)]

    @property
    def numbers(self) -> list:
        """What a kernel that pools takes as `pooled` and `keep`."""
        return [self.rows, int(self.places is not None)]

    def pays(self, low, kernel, **numbers) -> bool:
        """Does it pay to pool in a kernel rather than to read again what it wrote?"""
        window = {"window": self.window, "strides": self.strides, "before": self.before}
        return low.pays(kernel, **numbers, **window, pixels_shape=self.shape, pooled=self.rows)

    def launch(self, low, x):
        """Launch the pooling of pixels that another kernel wrote."""
        places, shape = self.arrays
        cost = _taps_cost(self.shape[4], self.out[2] * math.prod(self.window))
        args = [self.y, places, x, shape, int(places is not None)]
        low.launch("max_pool", x.dtype, args, items=self.rows, cost=cost)

    def launch_gradient(self, low, dy):
        """Launch the gradient to all pixels of one to the pooled pixels; returns it."""
        dx = low.temp(self.shape, dy.dtype)
        places, shape = self.arrays
        _launch_gradient(low, "max_pool_gradient", dx, [dy, places, shape], self.window, self.strides)
        return dx


def with_depth(shape) -> tuple:
    """The shape of pixels with three spatial axes."""
    return (shape[0], *(1,) * (5 - len(shape)), *shape[1:])


def pooling_of(node, shape):
    """What the fuse pass has set as `pool` of a node that makes pixels of a shape; None if nothing."""
    pool = node.params.get("pool")
    return None if pool is None else pooling(pool, node.outputs[0], node.outputs[-1] if pool["keep"] else None, shape)


def pooling(pool, y, places, shape):
    """A Pooling of pixels of a shape by a node's parameters."""
    return Pooling(y, places, with_depth(shape), **window_of(pool))


def pooled_shapes(shape, dtype, pool):
    """(shape, dtype) of what pooling of pixels gives."""
    out = (shape[0], *pool["out"], shape[-1])
    return [(out, dtype), (out, "uint16")] if pool["keep"] else [(out, dtype)]


def pooled_arrays(pixels, pool) -> tuple:
    """What pooling of pixels gives."""
    found = _max_reference(pixels.reshape(with_depth(pixels.shape)), **pool)
    return found if pool["keep"] else (found,)


def _max_reference(x, window, strides, before, out, keep):
    y = np.full((x.shape[0], *out, x.shape[4]), -np.inf, x.dtype)
    places, seen = np.zeros(y.shape, np.uint16), np.zeros(y.shape, bool)
    for number, source, target in _taps(x.shape, window, strides, before, out):
        value = x[source]
        better = ~seen[target] | (value > y[target]) | np.isnan(value)
        y[target] = np.where(better, value, y[target])
        places[target] = np.where(better, number, places[target])
        seen[target] = True
    return (y, places) if keep else y


def _max_grad(node, dy, _=None):
    x, places = node.inputs[0], node.outputs[1]
    return [emit("max_pool_gradient", dy, places, shape=x.shape, **window_of(node.params))]


def _taps_cost(c, taps):
    """Nanoseconds of a row of windows' places of c channels, `taps` of them."""
    return 5.0 + taps * (2.0 + 0.1 * -(-c // 16) * 16)


def _max_lower(node, low):
    x = node.inputs[0]
    places = node.outputs[1] if node.params["keep"] else None
    pooling(node.params, node.outputs[0], places, x.shape).launch(low, x)


# Outputs: the greatest, and where keep is true the place in the window of the first that is it. A plan drops the
# places where no gradient reads them.
primitive("max_pool", infer=_max_infer, reference=_max_reference, grad=_max_grad, lower=_max_lower)


def _max_gradient_reference(dy, places, shape, window, strides, before, out):
    dx = np.zeros(shape, dy.dtype)
    for number, source, target in _taps(shape, window, strides, before, out):
        dx[source] += np.where(places[target] == number, dy[target], 0)
    return dx


def _launch_gradient(low, kernel, dx, arguments, window, strides):
    n, depth, height, width, c = dx.shape
    covers = math.prod(-(-k // s) for k, s in zip(window, strides, strict=True))
    low.launch(kernel, dx.dtype, [dx, *arguments], items=n * depth * height, cost=_taps_cost(c, width * covers))


def _gradient_lower(node, low):
    dx, p = node.outputs[0], node.params
    arguments = [*node.inputs, _geometry(dx.shape, **window_of(p))]
    _launch_gradient(low, node.primitive.name, dx, arguments, p["window"], p["strides"])


primitive(
    "max_pool_gradient",
    infer=lambda node: [(node.params["shape"], node.inputs[0].dtype)],
    reference=_max_gradient_reference,
    grad=lambda node, g: [emit("max_pool_gather", g, node.inputs[1], **window_of(node.params)), None],
    lower=_gradient_lower,
)


def _gather_reference(x, places, window, strides, before, out):
    y = np.zeros(places.shape, x.dtype)
    for number, source, target in _taps(x.shape, window, strides, before, out):
        y[target] = np.where(places[target] == number, x[source], y[target])
    return y


def _gather_lower(node, low):
    x, y = node.inputs[0], node.outputs[0]
    n, depth, height, width, c = y.shape
    args = [y, x, node.inputs[1], _geometry(x.shape, **window_of(node.params))]
    low.launch("max_pool_gather", x.dtype, args, items=n * depth * height, cost=4.0 * width * c)


# The adjoint of max_pool_gradient: the values at the places.
primitive(
    "max_pool_gather",
    infer=lambda node: [(node.inputs[1].shape, node.inputs[0].dtype)],
    reference=_gather_reference,
    grad=lambda node, g: [
        emit("max_pool_gradient", g, node.inputs[1], shape=node.inputs[0].shape, **window_of(node.params)),
        None,
    ],
    lower=_gather_lower,
)


def _counts(shape, window, strides, before, out):
    """Places inside the input of each window, as (1, od, oh, ow, 1)."""
    counts = np.zeros((1, *out, 1))
    for _, _, target in _taps(shape, window, strides, before, out):
        counts[target] += 1
    return counts


def _average_reference(x, window, strides, before, out):
    y = np.zeros((x.shape[0], *out, x.shape[4]))
    for _, source, target in _taps(x.shape, window, strides, before, out):
        y[target] += x[source]
    return (y / _counts(x.shape, window, strides, before, out)).astype(x.dtype)


def _average_lower(node, low):
    x, y = node.inputs[0], node.outputs[0]
    n, depth, height, width, _ = y.shape
    cost = _taps_cost(x.shape[4], width * math.prod(node.params["window"]))
    args = [y, x, _geometry(x.shape, **window_of(node.params))]
    low.launch("average_pool", x.dtype, args, items=n * depth * height, cost=cost)


primitive(
    "average_pool",
    infer=lambda node: [(_out_shape(node), node.inputs[0].dtype)],
    reference=_average_reference,
    grad=lambda node, dy: [
        emit("average_pool_gradient", dy, shape=node.inputs[0].shape, **window_of(node.params)),
    ],
    lower=_average_lower,
)


def _average_gradient_reference(dy, shape, window, strides, before, out):
    part, dx = dy / _counts(shape, window, strides, before, out), np.zeros(shape)
    for _, source, target in _taps(shape, window, strides, before, out):
        dx[source] += part[target]
    return dx.astype(dy.dtype)


primitive(
    "average_pool_gradient",
    infer=lambda node: [(node.params["shape"], node.inputs[0].dtype)],
    reference=_average_gradient_reference,
    grad=lambda node, g: [emit("average_pool", g, **window_of(node.params))],
    lower=_gradient_lower,
)
