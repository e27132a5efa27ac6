"""Linear algebra by factors: triangles, inverses, determinants, least squares, eigenvalues, singular values.

All take (..., rows, columns) and work on each matrix.
"""

from __future__ import annotations

import math

import numpy as np

from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.graph.symbol import Symbol
from nbkeras.ops import products, reducing, shaping
from nbkeras.ops.common import cast, dtype_name, emit, floating, number, on_host, op, promote, tensor


def _matrices(x, name, square=False):
    """Floats as (batch, rows, columns), and the axes before."""
    x = floating(x)
    if len(x.shape) < 2:
        raise ShapeError(f"{name}: Expected input to have rank >= 2, got shape {tuple(x.shape)}.")
    if square and x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"{name}: expected square matrices, got shape {tuple(x.shape)}.")
    lead = tuple(x.shape[:-2])
    return emit("reshape", x, shape=(math.prod(lead), *x.shape[-2:])), lead


def _restored(y, lead):
    return emit("reshape", y, shape=(*lead, *y.shape[1:]))


def _swapped(x):
    return shaping.swapaxes(x, -1, -2)


@op
def cholesky(x, upper=False):
    """The lower triangular L of L L' = x, for symmetric positive definite x; `upper` gives its transpose.

    Raises:
        ArgumentError: x is not positive definite. In a traced step NaN say so.

    Example:
        >>> import numpy as np
        >>> cholesky(np.array([[4.0, 2.0], [2.0, 5.0]]))
        array([[2., 0.],
               [1., 2.]])
    """
    matrices, lead = _matrices(x, "cholesky", square=True)
    factor = _restored(emit("cholesky", matrices), lead)
    if not isinstance(factor, Symbol) and np.isnan(on_host(factor, "cholesky")).any():
        raise ArgumentError("cholesky: Cholesky decomposition failed: the input is not positive definite.")
    return _swapped(factor) if upper else factor


@op
def cholesky_inverse(x, upper=False):
    """The inverse of L L' from its Cholesky factor L (or U of U'U with `upper`).

    Example:
        >>> cholesky_inverse([[2.0, 0.0], [1.0, 2.0]])
        array([[ 0.3125, -0.125 ],
               [-0.125 ,  0.25  ]], dtype=float32)
    """
    factor, lead = _matrices(x, "cholesky_inverse", square=True)
    identity = np.broadcast_to(np.eye(factor.shape[-1], dtype=dtype_name(factor.dtype)), factor.shape)
    inside = emit("triangular_solve", factor, identity, lower=not upper, transposed=upper, unit=False)
    outside = emit("triangular_solve", factor, inside, lower=not upper, transposed=not upper, unit=False)
    return _restored(outside, lead)


@op
def solve_triangular(a, b, lower=False):
    """x of a x = b for triangular a; the other triangle is not looked at.

    Example:
        >>> solve_triangular([[2.0, 0.0], [1.0, 1.0]], [4.0, 5.0], lower=True)
        array([2., 3.], dtype=float32)
    """
    return _solved("triangular_solve", a, b, lower=bool(lower), transposed=False, unit=False)


@op
def solve(a, b):
    """x of a x = b.   a (..., n, n), b (..., n) or (..., n, k)

    Example:
        >>> import numpy as np
        >>> solve(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([2.0, 2.0]))
        array([1. , 0.5])
    """
    return _solved("solve", a, b, transposed=False)


def _solved(name, a, b, **params):
    a, b = promote(a, b, floating=True)
    vector = len(b.shape) == len(a.shape) - 1
    if vector:
        b = shaping.expand_dims(b, -1)
    if len(a.shape) < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"{name}: expected square matrices, got shape {tuple(a.shape)}.")
    if len(b.shape) < 2 or b.shape[-2] != a.shape[-1]:
        raise ShapeError(f"{name}: {tuple(a.shape)} and right sides of shape {tuple(b.shape)} do not fit.")
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = (shaping.broadcast_to(x, (*lead, *x.shape[-2:])) for x in (a, b))
    x = _restored(emit(name, _matrices(a, name)[0], _matrices(b, name)[0], **params), lead)
    return shaping.squeeze(x, -1) if vector else x


@op
def inv(x):
    """The inverse of each matrix.   (..., n, n) -> (..., n, n)

    Example:
        >>> inv([[2.0, 1.0], [1.0, 1.0]]).round(4)
        array([[ 1., -1.],
               [-1.,  2.]], dtype=float32)
    """
    matrices, lead = _matrices(x, "inv", square=True)
    identity = np.broadcast_to(np.eye(matrices.shape[-1], dtype=dtype_name(matrices.dtype)), matrices.shape)
    return _restored(emit("solve", matrices, identity, transposed=False), lead)


def _determinants(x, name):
    matrices, lead = _matrices(x, name, square=True)
    return [_restored(part, lead) for part in emit("determinant", matrices)]


@op
def det(x):
    """The determinant of each matrix.   (..., n, n) -> (...)

    Example:
        >>> det([[2.0, 1.0], [0.0, 4.0]])
        array(8., dtype=float32)
    """
    return _determinants(x, "det")[0]


@op
def slogdet(x):
    """The sign of the determinant, and the logarithm of its size.

    Example:
        >>> slogdet([[0.0, 1.0], [1.0, 0.0]])
        (array(-1., dtype=float32), array(0., dtype=float32))
    """
    return tuple(_determinants(x, "slogdet")[1:])


@op
def logdet(x):
    """The logarithm of the determinant's size.

    Example:
        >>> logdet([[2.0, 0.0], [0.0, 4.0]]).round(4)
        np.float32(2.0794)
    """
    return _determinants(x, "logdet")[2]


@op
def lu_factor(x):
    """L and U in one matrix, and for each row the one that it was swapped with, int32.

    Example:
        >>> lu, swapped = lu_factor([[1.0, 2.0], [4.0, 4.0]])
        >>> lu
        array([[4.  , 4.  ],
               [0.25, 1.  ]], dtype=float32)
        >>> swapped
        array([1, 1], dtype=int32)
    """
    matrices, lead = _matrices(x, "lu_factor")
    factors, pivots, _ = emit("lu", matrices)
    return _restored(factors, lead), _restored(pivots, lead)


@op
def qr(x, mode="reduced"):
    """Q with orthonormal columns and upper triangular R, Q R = x.

    Args:
        mode: 'reduced': as many columns as the smaller of rows and columns; 'complete': as many as rows.

    Example:
        >>> q, r = qr([[3.0, 1.0], [4.0, 2.0]])
        >>> (q @ r).round(4)
        array([[3., 1.],
               [4., 2.]], dtype=float32)
    """
    if mode not in ("reduced", "complete"):
        raise ArgumentError(f"qr: mode must be 'reduced' or 'complete', got {mode!r}.")
    matrices, lead = _matrices(x, "qr")
    m, n = matrices.shape[1:]
    q, r = emit("qr", matrices, columns=min(m, n) if mode == "reduced" else m)
    return _restored(q, lead), _restored(r, lead)


@op
def eigh(x):
    """Eigenvalues, ascending, and orthonormal eigenvectors, as columns, of symmetric matrices.

    Example:
        >>> values, vectors = eigh([[2.0, 1.0], [1.0, 2.0]])
        >>> values.round(4)
        array([1., 3.], dtype=float32)
    """
    matrices, lead = _matrices(x, "eigh", square=True)
    values, vectors = emit("eigh", matrices)
    return _restored(values, lead), _restored(vectors, lead)


def _svd(matrices):
    """u, s, v of (batch, m, n), r = min(m, n) columns each."""
    if matrices.shape[1] >= matrices.shape[2]:
        return emit("svd", matrices)
    v, s, u = emit("svd", _swapped(matrices))
    return u, s, v


def _completed(q):
    """Orthonormal columns and as many more as there are rows."""
    m, r = q.shape[1:]
    if m == r:
        return q
    more, _ = emit("qr", q, columns=m)
    return shaping.concatenate([q, shaping.sliced(more, {2: slice(r, m)})], axis=2)


@op
def svd(x, full_matrices=True, compute_uv=True):
    """U, singular values in descending order, and V' with x = U diag(s) V'.

    Args:
        full_matrices: give square U and V'; without it only the columns that meet a singular value. Gradients are
            there for square x or without it.
        compute_uv: False gives the singular values alone.

    Example:
        >>> u, s, v = svd([[0.0, 2.0], [3.0, 0.0], [0.0, 0.0]])
        >>> u.shape, s.round(4), v.shape
        ((3, 3), array([3., 2.], dtype=float32), (2, 2))
    """
    matrices, lead = _matrices(x, "svd")
    u, s, v = _svd(matrices)
    if not compute_uv:
        return _restored(s, lead)
    if full_matrices:
        u, v = _completed(u), _completed(v)
    return _restored(u, lead), _restored(s, lead), _restored(_swapped(v), lead)


def _inverted(s, cut):
    """1 / s where s is above the cut, else 0."""
    above = emit("greater", s, cut)
    safe = emit("where", above, s, number(s, 1))
    return emit("where", above, emit("reciprocal", safe), number(s, 0))


def _largest(s):
    return reducing.max(s, axis=-1, keepdims=True)


@op
def pinv(x, rcond=None):
    """The inverse of Moore and Penrose.

    Args:
        rcond: singular values up to this part of the largest count as 0; 10 max(rows, columns) eps by default.

    Example:
        >>> pinv([[1.0], [1.0]]).round(4)
        array([[0.5, 0.5]], dtype=float32)
    """
    matrices, lead = _matrices(x, "pinv")
    u, s, v = _svd(matrices)
    kind = dtype_name(matrices.dtype)
    part = 10.0 * max(matrices.shape[1:]) * np.finfo(kind).eps if rcond is None else rcond
    inverse = _inverted(s, emit("multiply", _largest(s), tensor(part, kind)))
    scaled = emit("multiply", v, emit("reshape", inverse, shape=(inverse.shape[0], 1, inverse.shape[1])))
    return _restored(emit("matmul", scaled, u, ta=False, tb=True), lead)


@op
def matrix_rank(x, tol=None):
    """How many singular values are not 0, int32.

    Args:
        tol: up to which they count as 0; max(rows, columns) eps times the largest by default.

    Example:
        >>> matrix_rank([[1.0, 2.0], [2.0, 4.0]])
        array(1, dtype=int32)
    """
    matrices, lead = _matrices(x, "matrix_rank")
    _, s, _ = _svd(matrices)
    kind = dtype_name(matrices.dtype)
    if tol is None:
        cut = emit("multiply", _largest(s), number(s, max(matrices.shape[1:]) * np.finfo(kind).eps))
    else:
        cut = tensor(tol, kind)
    return _restored(cast(reducing.sum(emit("greater", s, cut), axis=-1), "int32"), lead)


@op
def lstsq(a, b, rcond=None):
    """x for which the squares of a x - b have the least sum; of several such, the shortest.

    Args:
        a: (m, n).
        b: (m,) or (m, k).
        rcond: singular values up to this part of the largest count as 0; max(m, n) eps by default.

    Example:
        >>> lstsq([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [1.0, 3.0, 5.0]).round(4)
        array([1., 2.], dtype=float32)
    """
    a, b = promote(a, b, floating=True)
    if len(a.shape) != 2 or len(b.shape) not in (1, 2) or b.shape[0] != a.shape[0]:
        raise ShapeError(f"lstsq: expected a (m, n) and b (m,) or (m, k), got {tuple(a.shape)} and {tuple(b.shape)}.")
    part = max(a.shape) * np.finfo(dtype_name(a.dtype)).eps if rcond is None else rcond
    return products.matmul(pinv(a, part), b)
