"""Matrix products in all their forms."""

from __future__ import annotations

import math

import numpy as np

from nbkeras.errors import ArgumentError, ShapeError
from nbkeras.ops import reducing, shaping
from nbkeras.ops.common import axis_of, dtype_name, dtype_of, emit, is_float, op, promote, tensor


@op
def matmul(x1, x2):
    """The matrix product of the last two axes; leading axes broadcast; a lone axis is a row or column.

    Example:
        >>> import numpy as np
        >>> matmul(np.eye(2, dtype="float32"), np.array([1., 2.], "float32"))
        array([1., 2.], dtype=float32)
    """
    a, b = promote(x1, x2)
    return _product(a, b, "int32" if _all_int8([x1, x2]) else dtype_name(a.dtype))


def _all_int8(xs) -> bool:
    """As in Keras, products of int8 tensors are added up in 32 bits by `matmul` and `einsum`, in no other function."""
    return {dtype_of(x) for x in xs} == {"int8"}


def _product(a, b, kind=None):
    """The matrix product of two tensors of one dtype, which is also the result's unless given."""
    if not is_float(a.dtype):
        return tensor(_product(tensor(a, "float64"), tensor(b, "float64")), kind or dtype_name(a.dtype))
    if not a.shape or not b.shape:
        raise ShapeError(f"matmul: shapes {tuple(a.shape)} and {tuple(b.shape)}: a lone number is no matrix.")
    row, column = len(a.shape) == 1, len(b.shape) == 1
    if row:
        a = shaping.reshape(a, (1, -1))
    if column:
        b = shaping.reshape(b, (-1, 1))
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(
            f"matmul: {tuple(a.shape)} and {tuple(b.shape)} do not fit: {a.shape[-1]} columns against "
            f"{b.shape[-2]} rows.",
            next="the last axis of the first must equal the last but one of the second.",
        )
    y = _batched(a, b)
    if row:
        y = shaping.squeeze(y, -2)
    return shaping.squeeze(y, -1) if column else y


def _batched(a, b):
    m, k, n = a.shape[-2], a.shape[-1], b.shape[-1]
    if math.prod(b.shape[:-2]) == 1 and len(b.shape) <= len(a.shape):
        # One matrix for all rows: the leading axes are just more rows.
        return emit("affine", a, b if len(b.shape) == 2 else emit("reshape", b, shape=(k, n)))
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    batch = math.prod(lead)
    a = emit("reshape", shaping.broadcast_to(a, (*lead, m, k)), shape=(batch, m, k))
    b = emit("reshape", shaping.broadcast_to(b, (*lead, k, n)), shape=(batch, k, n))
    y = emit("matmul", a, b, ta=False, tb=False)
    return emit("reshape", y, shape=(*lead, m, n))


def affine(x, kernel, bias=None):
    """x @ kernel + bias: a dense layer's formula in one launch.   x (..., F), kernel (F, U), bias (U,) -> (..., U)

    Example:
        >>> affine([[1.0, 2.0]], [[1.0], [1.0]], [0.5])
        array([[3.5]], dtype=float32)
    """
    return emit("affine", *promote(x, kernel) if bias is None else promote(x, kernel, bias))


@op
def dot(x1, x2):
    """The sum of products over the last axis of the first and the last but one of the second.

    Example:
        >>> dot([1.0, 2.0], [3.0, 4.0])
        array(11., dtype=float32)
        >>> dot([[1.0, 2.0]], [[3.0], [4.0]])
        array([[11.]], dtype=float32)
    """
    a, b = promote(x1, x2)
    if not a.shape or not b.shape:
        return emit("multiply", a, b)
    if len(b.shape) <= 2:
        return _product(a, b)
    return tensordot(a, b, axes=[[len(a.shape) - 1], [len(b.shape) - 2]])


@op
def tensordot(x1, x2, axes=2):
    """The sum of products over the given axes of both.

    Args:
        axes: a number: so many last ones of the first with the first ones of the second; or a list of axes for each.

    Example:
        >>> import numpy as np
        >>> tensordot(np.ones((2, 3, 4)), np.ones((4, 3, 5)), axes=[[1, 2], [1, 0]]).shape
        (2, 5)
    """
    a, b = promote(x1, x2)
    if isinstance(axes, int):
        first, second = list(range(len(a.shape) - axes, len(a.shape))), list(range(axes))
    else:
        first, second = ([int(i) for i in np.atleast_1d(part)] for part in axes)
    first = [axis_of(i, len(a.shape), "tensordot") for i in first]
    second = [axis_of(i, len(b.shape), "tensordot") for i in second]
    lengths = [[x.shape[i] for i in axes] for x, axes in ((a, first), (b, second))]
    if lengths[0] != lengths[1]:
        raise ShapeError(
            f"tensordot: axes {first} of {tuple(a.shape)} and {second} of {tuple(b.shape)} differ in length.",
            next="sum over axes of the same lengths, in the same order.",
        )
    rest_a = [i for i in range(len(a.shape)) if i not in first]
    rest_b = [i for i in range(len(b.shape)) if i not in second]
    size = math.prod(a.shape[i] for i in first)
    left = shaping.reshape(shaping.transpose(a, rest_a + first), (-1, size) if size else (0, 0))
    right = shaping.reshape(shaping.transpose(b, second + rest_b), (size, -1) if size else (0, 0))
    shape = [a.shape[i] for i in rest_a] + [b.shape[i] for i in rest_b]
    return shaping.reshape(_product(left, right), shape)


@op
def outer(x1, x2):
    """Every product of a value of the first with a value of the second.

    Example:
        >>> outer([1.0, 2.0], [3.0, 4.0, 5.0])
        array([[ 3.,  4.,  5.],
               [ 6.,  8., 10.]], dtype=float32)
    """
    a, b = promote(x1, x2)
    return emit("multiply", shaping.reshape(a, (-1, 1)), shaping.reshape(b, (1, -1)))


@op
def einsum(subscripts, *operands, **kwargs):
    """Einstein's summation, e.g. `"bij,bjk->bik"`, pair by pair as transposes and matrix products.

    Keywords that choose an order of contraction, which Keras passes to its backend, have no effect.

    Example:
        >>> einsum("ij,j->i", [[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0])
        array([21., 43.], dtype=float32)
        >>> einsum("ii", [[1.0, 2.0], [3.0, 4.0]])
        array(5., dtype=float32)
    """
    subscripts = subscripts.replace(" ", "")
    inputs, _, output = subscripts.partition("->")
    terms = inputs.split(",")
    operands = promote(*operands) if not _all_int8(operands) else [tensor(x, "int32") for x in operands]
    if "->" not in subscripts:
        letters = inputs.replace(",", "").replace("...", "")
        output = "..." * ("..." in inputs) + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    if "..." in subscripts:
        terms, output, operands = _spell_ellipsis(terms, output, operands)
    if len(terms) != len(operands):
        raise ArgumentError(f"einsum: {len(terms)} terms in {subscripts!r} for {len(operands)} operands.")
    operands = _checked(subscripts, terms, output, operands)
    term, value = _reduced(terms[0], operands[0], set(output) | set("".join(terms[1:])))
    for i in range(1, len(terms)):
        keep = set(output) | set("".join(terms[i + 1 :]))
        other_term, other = _reduced(terms[i], operands[i], keep | set(term))
        term, value = _pair(term, value, other_term, other, keep)
    term, value = _reduced(term, value, set(output))
    return shaping.transpose(value, [term.index(c) for c in output]) if term != output else value


def _checked(subscripts, terms, output, operands):
    """Operands with as many axes as letters, a letter of one length each; axes of length 1 are stretched to it."""
    lengths = {}
    for term, value in zip(terms, operands, strict=True):
        shape = tuple(value.shape)
        if len(term) != len(shape):
            raise ShapeError(f"einsum: {term!r} in {subscripts!r} does not fit an operand of shape {shape}.")
        for letter, n in zip(term, shape, strict=True):
            known = lengths.get(letter, 1)
            if 1 not in (n, known) and n != known:
                raise ShapeError(f"einsum: {letter!r} in {subscripts!r} has lengths {known} and {n}.")
            lengths[letter] = n if known == 1 else known
    if not set(output) <= set(lengths) or len(set(output)) < len(output):
        raise ArgumentError(f"einsum: the output {output!r} must have letters of the operands, each once.")
    shapes = [tuple(lengths[letter] for letter in term) for term in terms]
    return [v if v.shape == s else shaping.broadcast_to(v, s) for v, s in zip(operands, shapes, strict=True)]


def _spell_ellipsis(terms, output, operands):
    spare = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in "".join(terms) + output]
    ranks = [len(v.shape) - len(t.replace("...", "")) for t, v in zip(terms, operands, strict=True) if "..." in t]
    letters = spare[: max(ranks)]
    spelled = []
    for term, value in zip(terms, operands, strict=True):
        rank = len(value.shape) - len(term.replace("...", ""))
        spelled.append(term.replace("...", "".join(letters[len(letters) - rank :])))
    return spelled, output.replace("...", "".join(letters)), operands


def _reduced(term, value, keep):
    """Take the diagonal of repeated letters and sum out letters that nobody needs."""
    for letter in set(term):
        while term.count(letter) > 1:
            i, j = term.index(letter), term.rindex(letter)
            n = value.shape[i]
            shape = [1] * len(value.shape)
            shape[i], shape[j] = n, n
            mask = np.eye(n, dtype=dtype_name(value.dtype)).reshape(shape)
            value = reducing.sum(emit("multiply", value, mask), axis=j)
            term = term[:j] + term[j + 1 :]
    gone = [i for i, c in enumerate(term) if c not in keep]
    if gone:
        value = reducing.sum(value, axis=tuple(gone))
        term = "".join(c for c in term if c in keep)
    return term, value


def _pair(s, a, t, b, keep):
    """Contract two operands over the letters that they share and nobody else needs."""
    sizes = {**dict(zip(s, a.shape, strict=True)), **dict(zip(t, b.shape, strict=True))}
    batch = [c for c in s if c in t and c in keep]
    summed = [c for c in s if c in t and c not in keep]
    left = [c for c in s if c not in t]
    right = [c for c in t if c not in s]

    def size(letters):
        return math.prod(sizes[c] for c in letters)

    a = shaping.transpose(a, [s.index(c) for c in batch + left + summed])
    b = shaping.transpose(b, [t.index(c) for c in batch + summed + right])
    a = emit("reshape", a, shape=(size(batch), size(left), size(summed)))
    b = emit("reshape", b, shape=(size(batch), size(summed), size(right)))
    if is_float(a.dtype):
        y = emit("matmul", a, b, ta=False, tb=False)
    else:
        y = tensor(emit("matmul", tensor(a, "float64"), tensor(b, "float64"), ta=False, tb=False), dtype_name(a.dtype))
    letters = batch + left + right
    return "".join(letters), emit("reshape", y, shape=tuple(sizes[c] for c in letters))


@op
def inner(x1, x2):
    """The sum of products over the last axis of both.

    Example:
        >>> inner([[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0])
        array([21., 43.], dtype=float32)
    """
    a, b = promote(x1, x2)
    if not a.shape or not b.shape:
        return emit("multiply", a, b)
    return tensordot(a, b, axes=[[len(a.shape) - 1], [len(b.shape) - 1]])


@op
def vdot(x1, x2):
    """The sum of products of all values.

    Example:
        >>> vdot([[1.0, 2.0]], [[3.0, 4.0]])
        array(11., dtype=float32)
    """
    a, b = promote(x1, x2)
    return _product(shaping.reshape(a, (-1,)), shaping.reshape(b, (-1,)))


@op
def cross(x1, x2, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """The cross product of vectors of 3 values (or 2, whose third is 0; of two such only the third is given).

    Args:
        axisa, axisb, axisc: where the vectors lie in x1, x2 and the result.
        axis: all three of them.

    Example:
        >>> cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
        array([0., 0., 1.], dtype=float32)
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = promote(x1, x2)
    a, b = shaping.moveaxis(a, axisa, -1), shaping.moveaxis(b, axisb, -1)
    if not {a.shape[-1], b.shape[-1]} <= {2, 3}:
        raise ShapeError(f"cross: vectors must have 2 or 3 values, got {a.shape[-1]} and {b.shape[-1]}.")
    flat = a.shape[-1] == b.shape[-1] == 2
    (a0, a1, a2), (b0, b1, b2) = _three(a), _three(b)

    def minor(p, q, r, s):
        return emit("subtract", emit("multiply", p, q), emit("multiply", r, s))

    third = minor(a0, b1, a1, b0)
    if flat:
        return third
    return shaping.stack([minor(a1, b2, a2, b1), minor(a2, b0, a0, b2), third], axisc)


def _three(x):
    parts = shaping.unstack(x, axis=-1)
    return parts if len(parts) == 3 else [*parts, emit("subtract", parts[0], parts[0])]


@op
def kron(x1, x2):
    """Every value of the first times the whole second, as blocks.

    Example:
        >>> kron([1.0, 10.0], [1.0, 2.0])
        array([ 1.,  2., 10., 20.], dtype=float32)
    """
    a, b = promote(x1, x2)
    rank = max(len(a.shape), len(b.shape))
    first = (1,) * (rank - len(a.shape)) + tuple(a.shape)
    second = (1,) * (rank - len(b.shape)) + tuple(b.shape)
    a = shaping.reshape(a, [n for m in first for n in (m, 1)])
    b = shaping.reshape(b, [n for m in second for n in (1, m)])
    return shaping.reshape(emit("multiply", a, b), [m * n for m, n in zip(first, second, strict=True)])
