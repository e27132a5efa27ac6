"""New tensors: of one number, in steps, windows, unit matrices, one-hot codes."""

from __future__ import annotations

import numpy as np

from nbkeras.errors import ArgumentError
from nbkeras.graph.symbol import Symbol
from nbkeras.ops import shaping
from nbkeras.ops.common import (
    axis_of,
    cast,
    dtype_name,
    dtype_of,
    emit,
    filled,
    is_float,
    number,
    op,
    promote,
    result_type,
    standardize_dtype,
    tensor,
)


def zeros(shape, dtype=None):
    """All 0.

    Args:
        shape: a number or several.
        dtype: floatx by default.

    Example:
        >>> zeros((2, 3))
        array([[0., 0., 0.],
               [0., 0., 0.]], dtype=float32)
    """
    return filled(shape, 0, standardize_dtype(dtype), "zeros")


def ones(shape, dtype=None):
    """All 1. Arguments as in `zeros`.

    Example:
        >>> ones(2, dtype="int32")
        array([1, 1], dtype=int32)
    """
    return filled(shape, 1, standardize_dtype(dtype), "ones")


def empty(shape, dtype=None):
    """All 0: memory is never left with what happened to be there.

    Example:
        >>> empty((2,))
        array([0., 0.], dtype=float32)
    """
    return zeros(shape, dtype)


def full(shape, fill_value, dtype=None):
    """All one number; a tensor is broadcast to the shape.

    Args:
        shape: a number or several.
        fill_value: the number, or the tensor.
        dtype: floatx by default.

    Example:
        >>> full((2, 2), 3.0)
        array([[3., 3.],
               [3., 3.]], dtype=float32)
    """
    dtype = standardize_dtype(dtype)
    if np.shape(fill_value) if not hasattr(fill_value, "shape") else fill_value.shape:
        return shaping.broadcast_to(tensor(fill_value, dtype), shape)
    return filled(shape, fill_value, dtype)


def _like(x, value, dtype):
    x = tensor(x)
    return filled(x.shape, value, dtype_name(x.dtype) if dtype is None else standardize_dtype(dtype))


@op
def zeros_like(x, dtype=None):
    """All 0, in the shape and dtype of x.

    Example:
        >>> zeros_like([1.0, 2.0])
        array([0., 0.], dtype=float32)
    """
    return _like(x, 0, dtype)


@op
def ones_like(x, dtype=None):
    """All 1, in the shape and dtype of x.

    Example:
        >>> ones_like([[1, 2]], dtype="float32")
        array([[1., 1.]], dtype=float32)
    """
    return _like(x, 1, dtype)


@op
def empty_like(x, dtype=None):
    """All 0, in the shape and dtype of x.

    Example:
        >>> empty_like([1.0, 2.0])
        array([0., 0.], dtype=float32)
    """
    return _like(x, 0, dtype)


@op
def full_like(x, fill_value, dtype=None):
    """All one number, fill_value, in the shape and dtype of x.

    Example:
        >>> full_like([1.0, 2.0], 7.0)
        array([7., 7.], dtype=float32)
    """
    x = tensor(x)
    return full(x.shape, fill_value, dtype or dtype_name(x.dtype))


@op
def array(x, dtype=None):
    """A tensor of a number, list or array; Python's floats become floatx, its whole numbers int32.

    Example:
        >>> array([[1.0, 2.0]])
        array([[1., 2.]], dtype=float32)
    """
    return tensor(x, None if dtype is None else standardize_dtype(dtype))


def arange(start, stop=None, step=None, dtype=None):
    """start, start + step, ... below stop, in the dtype that mixing the three gives.

    Example:
        >>> arange(1, 2, 0.5)
        array([1. , 1.5], dtype=float32)
    """
    if dtype is None:
        dtype = result_type(*(dtype_of(v) for v in (start, stop, step) if v is not None))
    dtype = standardize_dtype(dtype)
    step = 1 if step is None else step
    if step == 0:
        raise ArgumentError("arange: step must not be 0.")
    values = np.arange(start, step=step) if stop is None else np.arange(start, stop, step)
    return values.astype(dtype)


@op
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """Evenly spaced numbers from start to stop; with `retstep` also the distance between them.

    Args:
        num: how many.
        endpoint: whether stop is the last of them.
        axis: where they lie when start and stop are tensors.

    Example:
        >>> linspace(0.0, 1.0, 5)
        array([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32)
    """
    dtype = _float_of(start, stop, dtype=dtype)
    if _traced(start, stop):
        values, step = _even(start, stop, num, endpoint, axis)
        return (cast(values, dtype), cast(step, dtype)) if retstep else cast(values, dtype)
    values, step = np.linspace(start, stop, num, endpoint=endpoint, retstep=True, axis=axis)
    return (values.astype(dtype), np.asarray(step, dtype)) if retstep else values.astype(dtype)


@op
def logspace(start, stop, num=50, endpoint=True, base=10, dtype=None, axis=0):
    """base to the power of evenly spaced numbers. Arguments as in `linspace`.

    Example:
        >>> logspace(0.0, 2.0, 3)
        array([  1.,  10., 100.], dtype=float32)
    """
    dtype = _float_of(start, stop, dtype=dtype)
    if _traced(start, stop):
        powers, _ = _even(start, stop, num, endpoint, axis)
        return cast(emit("power", number(powers, base), powers), dtype)
    return np.logspace(start, stop, num, endpoint, base, axis=axis).astype(dtype)


@op
def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """Numbers from start to stop with one ratio between neighbours. Arguments as in `linspace`.

    Example:
        >>> geomspace(1.0, 8.0, 4)
        array([1., 2., 4., 8.], dtype=float32)
    """
    dtype = _float_of(start, stop, dtype=dtype)
    if _traced(start, stop):
        start, stop = promote(start, stop, floating=True)
        ratio = emit("divide", stop, start)
        powers, _ = _even(number(ratio, 0), np.ones(ratio.shape, dtype_name(ratio.dtype)), num, endpoint, axis)
        place = axis_of(axis, len(powers.shape), "geomspace")
        ratio, start = (_with_axis(shaping.broadcast_to(x, ratio.shape), place) for x in (ratio, start))
        return cast(emit("multiply", start, emit("power", ratio, powers)), dtype)
    return np.geomspace(start, stop, num, endpoint, axis=axis).astype(dtype)


def _traced(*values) -> bool:
    return any(isinstance(v, Symbol) for v in values)


def _with_axis(x, axis):
    return emit("reshape", x, shape=(*x.shape[:axis], 1, *x.shape[axis:]))


def _even(start, stop, num, endpoint, axis):
    """`num` steps from start to stop along a new axis, both ends exact, and the length of a step."""
    start, stop = promote(start, stop, floating=True)
    way = emit("subtract", stop, start)
    axis = axis_of(axis, len(way.shape) + 1, "linspace")
    steps = num - 1 if endpoint else num
    part = np.arange(num) / max(1, steps)
    part = part.reshape([num if i == axis else 1 for i in range(len(way.shape) + 1)]).astype(dtype_name(way.dtype))
    start, stop = (_with_axis(shaping.broadcast_to(x, way.shape), axis) for x in (start, stop))
    values = emit("add", emit("multiply", start, 1 - part), emit("multiply", stop, part))
    return values, emit("divide", way, number(way, steps or np.nan))


def _float_of(*values, dtype):
    if dtype is not None:
        return standardize_dtype(dtype)
    found = result_type(*(dtype_of(v) for v in values))
    return found if is_float(found) else standardize_dtype(None)


def eye(N, M=None, k=0, dtype=None):
    """1 on a diagonal, else 0.

    Args:
        N, M: rows, and columns: as many as rows by default.
        k: which diagonal: those above the main one are positive.

    Example:
        >>> eye(2, 3, k=1)
        array([[0., 1., 0.],
               [0., 0., 1.]], dtype=float32)
    """
    return np.eye(N, M, k, dtype=standardize_dtype(dtype))


def identity(n, dtype=None):
    """The unit matrix of n rows.

    Example:
        >>> identity(2)
        array([[1., 0.],
               [0., 1.]], dtype=float32)
    """
    return np.eye(n, dtype=standardize_dtype(dtype))


def tri(N, M=None, k=0, dtype=None):
    """1 on diagonal k and below, else 0. Arguments as in `eye`.

    Example:
        >>> tri(3)
        array([[1., 0., 0.],
               [1., 1., 0.],
               [1., 1., 1.]], dtype=float32)
    """
    return np.tri(N, M, k, dtype=standardize_dtype(dtype))


def _window(name, text, result):
    def function(x):
        return getattr(np, name)(int(x)).astype(standardize_dtype(None))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{text}\n\nExample:\n    >>> {name}(5).round(4)\n    array({result}, dtype=float32)"
    return function


bartlett = _window("bartlett", "A triangular window of x numbers that ends in 0.", "[0. , 0.5, 1. , 0.5, 0. ]")
blackman = _window("blackman", "Blackman's window of x numbers.", "[-0.  ,  0.34,  1.  ,  0.34, -0.  ]")
hamming = _window("hamming", "Hamming's window of x numbers.", "[0.08, 0.54, 1.  , 0.54, 0.08]")
hanning = _window("hanning", "Hann's window of x numbers.", "[0. , 0.5, 1. , 0.5, 0. ]")


def kaiser(x, beta):
    """Kaiser's window of x numbers; the larger beta, the narrower.

    Example:
        >>> kaiser(3, 5.0).round(4)
        array([0.0367, 1.    , 0.0367], dtype=float32)
    """
    return np.kaiser(int(x), float(beta)).astype(standardize_dtype(None))


@op
def one_hot(x, num_classes, axis=-1, dtype=None, sparse=False):
    """1 at the class number along a new axis, else 0; numbers outside give all 0.

    Example:
        >>> import numpy as np
        >>> one_hot(np.array([1, 0]), 3)
        array([[0., 1., 0.],
               [1., 0., 0.]], dtype=float32)
    """
    if sparse:
        raise ArgumentError("one_hot: sparse=True is not supported.", next="leave it out.")
    x = tensor(x, "int64")
    axis = axis_of(axis, len(x.shape) + 1, "one_hot")
    shape = [1] * (len(x.shape) + 1)
    shape[axis] = num_classes
    classes = np.arange(num_classes, dtype=np.int64).reshape(shape)
    return cast(emit("equal", shaping.expand_dims(x, axis), classes), standardize_dtype(dtype))


@op
def meshgrid(*x, indexing="xy"):
    """The coordinates of a grid from those of its axes: one tensor an axis, of rank `len(x)`.

    Args:
        indexing: 'xy' lets the first two axes change places, 'ij' does not.

    Example:
        >>> meshgrid([1.0, 2.0, 3.0], [10.0, 20.0])
        [array([[1., 2., 3.],
               [1., 2., 3.]], dtype=float32), array([[10., 10., 10.],
               [20., 20., 20.]], dtype=float32)]
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"meshgrid: indexing must be 'xy' or 'ij', got {indexing!r}.")
    axes = [shaping.reshape(v, (-1,)) for v in x]
    order = [1, 0, *range(2, len(axes))] if indexing == "xy" and len(axes) > 1 else list(range(len(axes)))
    lengths = [axes[i].shape[0] for i in order]
    grids = []
    for i, values in enumerate(axes):
        place = order.index(i)
        shape = [values.shape[0] if j == place else 1 for j in range(len(axes))]
        grids.append(shaping.broadcast_to(shaping.reshape(values, shape), lengths))
    return grids
