"""Diagonals and triangles of matrices."""

from __future__ import annotations

import builtins

import numpy as np

from nbkeras.errors import ShapeError
from nbkeras.ops import shaping
from nbkeras.ops.common import dtype_name, emit, number, op, tensor
from nbkeras.ops.reducing import sum as _sum


def _place(offset: int, rows: int, columns: int):
    """Start and length of a diagonal in a matrix's values, row after row; its step is one more than the columns."""
    start = offset if offset >= 0 else -offset * columns
    return start, max(0, min(rows + min(0, offset), columns - max(0, offset)))


@op
def diagonal(x, offset=0, axis1=0, axis2=1):
    """The diagonal of two axes, as a new last axis.

    Args:
        offset: which one: above the main diagonal if positive, below if negative.
        axis1, axis2: the rows and the columns.

    Example:
        >>> diagonal([[1.0, 2.0], [3.0, 4.0]])
        array([1., 4.], dtype=float32)
    """
    x = tensor(x)
    if len(x.shape) < 2:
        raise ShapeError(f"diagonal: expected rank 2 or more, got shape {tuple(x.shape)}.")
    x = shaping.moveaxis(x, (axis1, axis2), (-2, -1))
    *lead, rows, columns = x.shape
    start, length = _place(int(offset), rows, columns)
    flat = shaping.reshape(x, (*lead, rows * columns))
    stop = start + (length - 1) * (columns + 1) + 1
    return shaping.sliced(flat, {len(lead): builtins.slice(start, stop if length else start, columns + 1)})


@op
def diag(x, k=0):
    """A vector as a diagonal matrix; the diagonal of a matrix.

    Example:
        >>> diag([1.0, 2.0])
        array([[1., 0.],
               [0., 2.]], dtype=float32)
        >>> diag([[1.0, 2.0], [3.0, 4.0]], k=1)
        array([2.], dtype=float32)
    """
    x = tensor(x)
    if len(x.shape) == 2:
        return diagonal(x, k)
    if len(x.shape) != 1:
        raise ShapeError(f"diag: expected rank 1 or 2, got shape {tuple(x.shape)}.")
    n = x.shape[0] + builtins.abs(int(k))
    start, _ = _place(int(k), n, n)
    flat = emit("place", x, start=(start,), step=(n + 1,), shape=(n * n,), value=0.0)
    return emit("reshape", flat, shape=(n, n))


@op
def diagflat(x, k=0):
    """All values as a diagonal matrix.

    Example:
        >>> diagflat([[1.0, 2.0]])
        array([[1., 0.],
               [0., 2.]], dtype=float32)
    """
    return diag(shaping.ravel(x), k)


@op
def trace(x, offset=0, axis1=0, axis2=1):
    """The sum of a diagonal; arguments as in `diagonal`.

    Example:
        >>> trace([[1.0, 2.0], [3.0, 4.0]])
        array(5., dtype=float32)
    """
    x = diagonal(x, offset, axis1, axis2)
    return _sum(x, axis=-1)


def _triangle(x, mask_of, k):
    x = tensor(x)
    if len(x.shape) < 2:
        raise ShapeError(f"{mask_of.__name__}: expected rank 2 or more, got shape {tuple(x.shape)}.")
    return emit("where", mask_of(np.ones(x.shape[-2:], bool), k), x, number(x, 0))


@op
def tril(x, k=0):
    """The lower triangle of the last two axes, 0 above diagonal k.

    Example:
        >>> tril([[1.0, 2.0], [3.0, 4.0]])
        array([[1., 0.],
               [3., 4.]], dtype=float32)
    """
    return _triangle(x, np.tril, k)


@op
def triu(x, k=0):
    """The upper triangle of the last two axes, 0 below diagonal k.

    Example:
        >>> triu([[1.0, 2.0], [3.0, 4.0]], k=1)
        array([[0., 2.],
               [0., 0.]], dtype=float32)
    """
    return _triangle(x, np.triu, k)


@op
def vander(x, N=None, increasing=False):
    """The powers of a vector as columns: x**(N-1), ..., x, 1.

    Example:
        >>> vander([2.0, 3.0], 3)
        array([[4., 2., 1.],
               [9., 3., 1.]], dtype=float32)
    """
    x = tensor(x)
    count = x.shape[0] if N is None else int(N)
    powers = np.arange(count) if increasing else np.arange(count)[::-1]
    columns = shaping.reshape(x, (-1, 1))
    return emit("power", columns, powers.astype(dtype_name(x.dtype)))
