"""Conversions, shapes, gradients stopped, and control flow with static bounds."""

from __future__ import annotations

import numpy as np

from nbkeras import device, tree
from nbkeras.errors import ArgumentError
from nbkeras.graph.symbol import Symbol
from nbkeras.ops import shaping
from nbkeras.ops.common import emit, op, standardize_dtype, tensor


def convert_to_tensor(x, dtype=None, sparse=None, ragged=None):
    """A tensor of a number, list, array or variable.

    Example:
        >>> convert_to_tensor([1.5, 2]).dtype
        dtype('float32')
    """
    return tensor(x, None if dtype is None else standardize_dtype(dtype))


def convert_to_numpy(x):
    """A NumPy array of a tensor's values."""
    if hasattr(x, "assign"):
        return x.numpy()
    backend = device.backend()
    return np.asarray(backend.to_host(x) if isinstance(x, backend.array) else x)


def shape(x) -> tuple:
    """The shape, a tuple; unknown axes of a Keras tensor are None."""
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def size(x) -> int:
    """The number of values."""
    return int(np.prod(shape(x), dtype=np.int64))


def dtype(x) -> str:
    """The name of the dtype."""
    return str(tensor(x).dtype)


@op
def stop_gradient(variable):
    """The same values, through which no gradient flows."""
    x = tensor(variable)
    return emit("stop_gradient", x) if isinstance(x, Symbol) else x


@op
def cond(pred, true_fn, false_fn):
    """true_fn() if the predicate holds, else false_fn(); while tracing both are computed and one is chosen."""
    if not isinstance(pred, Symbol):
        return true_fn() if bool(convert_to_numpy(pred)) else false_fn()
    yes, no = true_fn(), false_fn()
    return tree.map_structure(lambda a, b: emit("where", tensor(pred, "bool"), tensor(a), tensor(b)), yes, no)


def scan(f, init, xs=None, length=None, reverse=False, unroll=1):
    """Run `f(carry, x) -> (carry, y)` over the first axis; returns the last carry and the stacked ys."""
    length = length if xs is None else tree.flatten(xs)[0].shape[0]
    if length is None:
        raise ArgumentError("scan: give xs or length.")
    carry, ys = init, []
    for i in range(length)[::-1] if reverse else range(length):
        carry, y = f(carry, None if xs is None else tree.map_structure(lambda v, i=i: tensor(v)[i], xs))
        ys.append(y)
    if reverse:
        ys.reverse()
    if not ys or ys[0] is None:
        return carry, None
    return carry, tree.map_structure(lambda *parts: shaping.stack(list(parts)), *ys)


def fori_loop(lower, upper, body_fun, init_val):
    """Run `value = body_fun(i, value)` for i from lower to upper."""
    value = init_val
    for i in range(int(lower), int(upper)):
        value = body_fun(i, value)
    return value


def vectorized_map(function, elements):
    """Apply a function to each slice along the first axis and stack the results."""
    n = tree.flatten(elements)[0].shape[0]
    parts = [function(tree.map_structure(lambda v, i=i: tensor(v)[i], elements)) for i in range(n)]
    return tree.map_structure(lambda *together: shaping.stack(list(together)), *parts)


def map(f, xs):
    """Apply a function to each slice along the first axis and stack the results."""
    return vectorized_map(f, xs)


@op
def scatter(indices, values, shape):
    """Zeros of a shape with values added at the places that the rows of indices name."""
    indices, values = tensor(indices, "int64"), tensor(values)
    depth = indices.shape[-1]
    rest = tuple(shape[depth:])
    strides = np.cumprod([1, *shape[:depth][::-1]])[::-1][1:].astype(np.int64)
    places = emit("reduce", emit("multiply", indices, strides), axes=(len(indices.shape) - 1,), op="sum")
    flat = shaping.reshape(places, (-1,))
    rows = shaping.reshape(values, (int(np.prod(flat.shape)), -1) if rest else (-1,))
    size = int(np.prod(shape[:depth]))
    return shaping.reshape(emit("scatter_add", flat, rows, axis=0, size=size), shape)


@op
def slice_update(inputs, start_indices, updates):
    """The input with a block from the start indices on replaced."""
    x, block = tensor(inputs), tensor(updates)
    start, step = tuple(int(i) for i in start_indices), (1,) * len(x.shape)
    place = emit("place", tensor(block, str(x.dtype)), start=start, step=step, shape=tuple(x.shape), value=0.0)
    mask = np.zeros(x.shape, bool)
    mask[tuple(slice(s, s + n) for s, n in zip(start, block.shape, strict=True))] = True
    return emit("where", mask, place, x)
