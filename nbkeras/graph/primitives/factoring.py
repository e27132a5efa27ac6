"""Factors of matrices (batch, rows, columns) and what comes of them: Cholesky, LU, QR, eigenvalues, singular values.

Gradients: Smith 1995 (Cholesky), Walter and Lehmann 2010 (QR), Giles 2008 (determinant, eigenvalues), Townsend 2016
(singular values), all written with matrix products and triangular solutions, so that they have gradients in turn.
"""

from __future__ import annotations

import numpy as np

from nbkeras.errors import GraphError, ShapeError
from nbkeras.graph.primitives.elementwise import add, divide, multiply, scale, subtract, where
from nbkeras.graph.primitives.emit import emit
from nbkeras.graph.primitives.table import primitive, same


def product(a, b, ta=False, tb=False):
    """The matrix product of batches, with operands transposed where asked."""
    return emit("matmul", a, b, ta=ta, tb=tb)


def turned(x):
    """Each matrix transposed."""
    return emit("transpose", x, axes=(0, 2, 1))


def triangle(x, lower=True, diagonal=1.0):
    """The lower or upper triangle, with the diagonal times a number; zeros elsewhere."""
    rows, columns = x.shape[1:]
    mask = np.tril(np.ones((rows, columns)), -1) if lower else np.triu(np.ones((rows, columns)), 1)
    return multiply(x, (mask + diagonal * np.eye(rows, columns)).astype(x.dtype))


def solve_triangle(a, b, lower, transposed=False, unit=False):
    """x of op(a) x = b."""
    return emit("triangular_solve", a, b, lower=lower, transposed=transposed, unit=unit)


def _symmetric(x):
    return scale(add(x, turned(x)), 0.5)


def _square(node):
    x = node.inputs[0]
    if len(x.shape) != 3 or x.shape[1] != x.shape[2]:
        raise ShapeError(f"{node.primitive.name}: expected square matrices, got shape {tuple(x.shape)}.")
    return x.shape


def _cholesky_infer(node):
    _square(node)
    return same(node)


def _cholesky_reference(x):
    return np.linalg.cholesky((x + np.swapaxes(x, 1, 2)) / 2)


def _cholesky_grad(node, dy):
    factor = node.outputs[0]
    inner = triangle(product(factor, dy, ta=True), diagonal=0.5)
    left = solve_triangle(factor, inner, True, transposed=True)
    return [_symmetric(solve_triangle(factor, turned(left), True, transposed=True))]


def _cholesky_lower(node, low):
    x = node.inputs[0]
    batch, n, _ = x.shape
    low.launch("cholesky", x.dtype, [node.outputs[0], x, n], items=batch, cost=float(n) ** 3 / 3 + 5)


primitive("cholesky", infer=_cholesky_infer, reference=_cholesky_reference, grad=_cholesky_grad, lower=_cholesky_lower)


def _solve_infer(node):
    batch, n, _ = _square(node)
    b = node.inputs[1]
    if len(b.shape) != 3 or b.shape[:2] != (batch, n):
        raise ShapeError(
            f"{node.primitive.name}: matrices {(batch, n, n)} and right sides {tuple(b.shape)} do not fit."
        )
    return [(b.shape, b.dtype)]


def _one_triangle(a, lower, unit):
    a = np.tril(a) if lower else np.triu(a)
    n = a.shape[-1]
    return a * (1 - np.eye(n, dtype=a.dtype)) + np.eye(n, dtype=a.dtype) if unit else a


def _triangular_reference(a, b, lower, transposed, unit):
    a = _one_triangle(a, lower, unit)
    return np.linalg.solve(np.swapaxes(a, 1, 2) if transposed else a, b)


def _triangular_grad(node, dx):
    a, x, params = node.inputs[0], node.outputs[0], node.params
    db = solve_triangle(a, dx, params["lower"], not params["transposed"], params["unit"])
    da = product(x, db, tb=True) if params["transposed"] else product(db, x, tb=True)
    return [scale(triangle(da, params["lower"], 0.0 if params["unit"] else 1.0), -1.0), db]


def _triangular_lower(node, low):
    a, b = node.inputs
    batch, n, k = b.shape
    flags = [int(node.params[name]) for name in ("lower", "transposed", "unit")]
    cost = 0.3 * n * n * k + 5
    low.launch("triangular_solve", b.dtype, [node.outputs[0], a, b, n, k, *flags], items=batch, cost=cost)


primitive(
    "triangular_solve",
    infer=_solve_infer,
    reference=_triangular_reference,
    grad=_triangular_grad,
    lower=_triangular_lower,
)


# LU: the factors packed in one matrix, the swaps (int32), and the order of rows that they make.


def _lu_infer(node):
    x = node.inputs[0]
    batch, m, n = x.shape
    return [(x.shape, x.dtype), ((batch, min(m, n)), "int32"), ((batch, m), "int64")]


def _lu_reference(x):
    out, (batch, m, n) = x.copy(), x.shape
    pivots, order = np.zeros((batch, min(m, n)), np.int32), np.tile(np.arange(m), (batch, 1))
    for a, swaps, rows in zip(out, pivots, order, strict=True):
        for j in range(min(m, n)):
            best = swaps[j] = j + np.argmax(np.abs(a[j:, j]))
            a[[j, best]], rows[[j, best]] = a[[best, j]], rows[[best, j]]
            if a[j, j] != 0:
                a[j + 1 :, j] /= a[j, j]
                a[j + 1 :, j + 1 :] -= np.outer(a[j + 1 :, j], a[j, j + 1 :])
    return out, pivots, order


def _factorize(low, out, pivots, order, x):
    batch, m, n = x.shape
    low.launch("lu", x.dtype, [out, pivots, order, x, m, n], items=batch, cost=float(m) * n * min(m, n) / 3 + 5)


def _lu_grad(node, dy, *_):
    x, (factors, _, order) = node.inputs[0], node.outputs
    if x.shape[1] != x.shape[2]:
        raise GraphError(f"lu: the gradient of matrices that are not square, {tuple(x.shape)}, is not there.")
    if dy is None:
        return [None]
    n = x.shape[1]
    unit = add(triangle(factors, diagonal=0.0), np.eye(n, dtype=x.dtype))
    upper = triangle(factors, lower=False)
    below = triangle(product(unit, triangle(dy, diagonal=0.0), ta=True), diagonal=0.0)
    above = triangle(product(triangle(dy, lower=False), upper, tb=True), lower=False)
    left = solve_triangle(factors, add(below, above), True, transposed=True, unit=True)
    both = turned(solve_triangle(factors, turned(left), False))
    return [emit("permute_rows", both, order, inverse=True)]


primitive(
    "lu",
    infer=_lu_infer,
    reference=_lu_reference,
    grad=_lu_grad,
    lower=lambda node, low: _factorize(low, *node.outputs, node.inputs[0]),
)


def _permute_reference(x, order, inverse):
    order = np.argsort(order, -1) if inverse else order
    return np.take_along_axis(x, order[:, :, None], 1)


def _permute(low, out, x, order, inverse):
    batch, n, k = x.shape
    low.launch("permute_rows", x.dtype, [out, order, x, n, k, int(inverse)], items=batch, cost=0.3 * n * k + 5)


primitive(
    "permute_rows",
    infer=same,
    reference=_permute_reference,
    grad=lambda node, dy: [emit("permute_rows", dy, node.inputs[1], inverse=not node.params["inverse"]), None],
    lower=lambda node, low: _permute(low, node.outputs[0], *node.inputs, node.params["inverse"]),
)


def _solve_reference(a, b, transposed):
    return np.linalg.solve(np.swapaxes(a, 1, 2) if transposed else a, b)


def _solve_grad(node, dx):
    (a, _), x, transposed = node.inputs, node.outputs[0], node.params["transposed"]
    db = emit("solve", a, dx, transposed=not transposed)
    da = product(x, db, tb=True) if transposed else product(db, x, tb=True)
    return [scale(da, -1.0), db]


def _solve_lower(node, low):
    (a, b), x, transposed = node.inputs, node.outputs[0], node.params["transposed"]
    batch, n, k = b.shape
    factors, order = low.temp(a.shape, a.dtype), low.temp((batch, n), "int64")
    _factorize(low, factors, low.temp((batch, n), "int32"), order, a)
    first, second = low.temp(b.shape, b.dtype), low.temp(b.shape, b.dtype)

    def half(target, source, is_lower):
        args = [target, factors, source, n, k, int(is_lower), int(transposed), int(is_lower)]
        low.launch("triangular_solve", b.dtype, args, items=batch, cost=0.3 * n * n * k + 5)

    if transposed:
        half(first, b, False)
        half(second, first, True)
        _permute(low, x, second, order, True)
    else:
        _permute(low, first, b, order, False)
        half(second, first, True)
        half(x, second, False)


primitive("solve", infer=_solve_infer, reference=_solve_reference, grad=_solve_grad, lower=_solve_lower)


# The determinant, its sign and the logarithm of its size.


def _determinant_infer(node):
    batch = _square(node)[0]
    return [((batch,), node.inputs[0].dtype)] * 3


def _determinant_reference(x):
    sign, size = np.linalg.slogdet(x)
    return np.linalg.det(x), sign, size


def _determinant_grad(node, dvalue, dsign, dsize):
    x, value = node.inputs[0], node.outputs[0]
    batch, n, _ = x.shape
    total = None if dvalue is None else multiply(dvalue, value)
    if dsize is not None:
        total = dsize if total is None else add(total, dsize)
    if total is None:
        return [None]
    identity = emit("broadcast_to", np.eye(n, dtype=x.dtype), shape=x.shape)
    inverse = emit("solve", x, identity, transposed=True)
    return [multiply(inverse, emit("reshape", total, shape=(batch, 1, 1)))]


def _determinant_lower(node, low):
    x = node.inputs[0]
    batch, n, _ = x.shape
    factors, pivots = low.temp(x.shape, x.dtype), low.temp((batch, n), "int32")
    _factorize(low, factors, pivots, low.temp((batch, n), "int64"), x)
    low.launch("determinant", x.dtype, [*node.outputs, factors, pivots, n], items=batch, cost=20.0 * n)


primitive(
    "determinant",
    infer=_determinant_infer,
    reference=_determinant_reference,
    grad=_determinant_grad,
    lower=_determinant_lower,
)


# QR: `columns` of q: as many as the smaller of rows and columns, or as there are rows.


def _qr_infer(node):
    x, c = node.inputs[0], node.params["columns"]
    batch, m, n = x.shape
    return [((batch, m, c), x.dtype), ((batch, c, n), x.dtype)]


def _qr_grad(node, dq, dr):
    m, n = node.inputs[0].shape[1:]
    if node.params["columns"] != n or m < n:
        raise GraphError(f"qr: the gradient of matrices of {m} by {n} with {node.params['columns']} columns of Q.")
    q, r = node.outputs
    inner = None
    if dr is not None:
        inner = product(r, dr, tb=True)
    if dq is not None:
        other = product(dq, q, ta=True)
        inner = scale(other, -1.0) if inner is None else subtract(inner, other)
    below = triangle(inner)
    both = product(q, add(below, turned(triangle(inner, diagonal=0.0))))
    both = both if dq is None else add(dq, both)
    return [turned(solve_triangle(r, turned(both), False))]


def _qr_lower(node, low):
    x = node.inputs[0]
    batch, m, n = x.shape
    work = low.temp((batch, m + 1, n), x.dtype)
    args = [*node.outputs, work, x, m, n, node.params["columns"]]
    low.launch("qr", x.dtype, args, items=batch, cost=2.0 * m * n * min(m, n) + 5)


primitive(
    "qr",
    infer=_qr_infer,
    reference=lambda x, columns: tuple(np.linalg.qr(x, "reduced" if columns == min(x.shape[1:]) else "complete")),
    grad=_qr_grad,
    lower=_qr_lower,
)


def _inverse_gaps(values):
    """1 / (values[j] - values[i]), 0 where that is not finite."""
    batch, n = values.shape
    gaps = subtract(emit("reshape", values, shape=(batch, 1, n)), emit("reshape", values, shape=(batch, n, 1)))
    same_value = emit("equal", gaps, np.zeros((), values.dtype))
    one, zero = np.ones((), values.dtype), np.zeros((), values.dtype)
    return where(same_value, zero, divide(one, where(same_value, one, gaps)))


def _diagonal(values):
    batch, n = values.shape
    return multiply(emit("reshape", values, shape=(batch, 1, n)), np.eye(n, dtype=values.dtype))


def _eigh_infer(node):
    batch, n, _ = _square(node)
    return [((batch, n), node.inputs[0].dtype), (node.inputs[0].shape, node.inputs[0].dtype)]


def _eigh_grad(node, dvalues, dvectors):
    values, vectors = node.outputs
    inner = None if dvalues is None else _diagonal(dvalues)
    if dvectors is not None:
        part = multiply(_inverse_gaps(values), product(vectors, dvectors, ta=True))
        inner = part if inner is None else add(inner, part)
    return [_symmetric(product(product(vectors, inner), vectors, tb=True))]


def _eigh_lower(node, low):
    x = node.inputs[0]
    batch, n, _ = x.shape
    work = low.temp(x.shape, x.dtype)
    low.launch("eigh", x.dtype, [*node.outputs, work, x, n], items=batch, cost=60.0 * n**3 + 5)


primitive(
    "eigh",
    infer=_eigh_infer,
    reference=lambda x: tuple(np.linalg.eigh((x + np.swapaxes(x, 1, 2)) / 2)),
    grad=_eigh_grad,
    lower=_eigh_lower,
)


# Singular values of matrices with at least as many rows as columns: u (m, n), s (n,), v (n, n).


def _svd_infer(node):
    x = node.inputs[0]
    batch, m, n = x.shape
    if m < n:
        raise ShapeError(f"svd: expected at least as many rows as columns, got {m} by {n}.")
    return [((batch, m, n), x.dtype), ((batch, n), x.dtype), ((batch, n, n), x.dtype)]


def _svd_reference(x):
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    return u, s, np.swapaxes(vt, 1, 2)


def _turning(x, dx):
    """x' dx - dx' x: what a gradient says about turning the columns of x among themselves."""
    inner = product(x, dx, ta=True)
    return subtract(inner, turned(inner))


def _svd_grad(node, du, ds, dv):
    u, s, v = node.outputs
    batch, n = s.shape
    columns, rows = emit("reshape", s, shape=(batch, 1, n)), emit("reshape", s, shape=(batch, n, 1))
    gaps = _inverse_gaps(emit("square", s))
    parts = [] if ds is None else [_diagonal(ds)]
    if du is not None:
        parts.append(multiply(multiply(gaps, _turning(u, du)), columns))
    if dv is not None:
        parts.append(multiply(multiply(gaps, _turning(v, dv)), rows))
    inner = parts[0]
    for part in parts[1:]:
        inner = add(inner, part)
    left = product(u, inner)
    if du is not None and u.shape[1] > n:
        outside = subtract(du, product(u, product(u, du, ta=True)))
        left = add(left, divide(outside, columns))
    return [product(left, v, tb=True)]


def _svd_lower(node, low):
    x = node.inputs[0]
    batch, m, n = x.shape
    low.launch("svd", x.dtype, [*node.outputs, x, m, n], items=batch, cost=60.0 * m * n * n + 5)


primitive("svd", infer=_svd_infer, reference=_svd_reference, grad=_svd_grad, lower=_svd_lower)

#: Rows whose results are unique up to signs (or turns) only: the checked run does not compare them.
NOT_COMPARED = frozenset({"eigh", "svd"})
