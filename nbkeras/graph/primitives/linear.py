"""Matrix products: `matmul` (batched, transposed operands) and `affine` (a dense layer's formula in one launch)."""

from __future__ import annotations

import math

import numpy as np

from nbkeras.errors import ShapeError
from nbkeras.graph.primitives.emit import emit
from nbkeras.graph.primitives.table import TABLE, primitive
from nbkeras.kernels.scalars import ACTIVATIONS, RESIDUAL


def _matmul_infer(node):
    a, b = node.inputs
    (batch, m, k), (batch_b, k_b, n) = _logical(a.shape, node.params["ta"]), _logical(b.shape, node.params["tb"])
    if k != k_b or batch != batch_b:
        raise ShapeError(
            f"matmul: {a.shape} and {b.shape} do not fit: {k} columns against {k_b} rows, "
            f"{batch} against {batch_b} matrices.",
            next="the last axis of the first must equal the last but one of the second.",
        )
    return [((batch, m, n), a.dtype)]


def _logical(shape, transposed):
    batch, rows, columns = shape
    return (batch, columns, rows) if transposed else (batch, rows, columns)


def _matmul_reference(a, b, ta, tb):
    a = np.swapaxes(a, 1, 2) if ta else a
    b = np.swapaxes(b, 1, 2) if tb else b
    return (a.astype(np.float64) @ b.astype(np.float64)).astype(a.dtype)


def _matmul_grad(node, dc):
    (a, b), ta, tb = node.inputs, node.params["ta"], node.params["tb"]
    da = emit("matmul", b, dc, ta=tb, tb=True) if ta else emit("matmul", dc, b, ta=False, tb=not tb)
    db = emit("matmul", dc, a, ta=True, tb=ta) if tb else emit("matmul", a, dc, ta=not ta, tb=False)
    return [da, db]


def multiply(low, c, a, b, bias, gate, sizes, ta, tb, activation=0, gate_code=0, shared=False):
    """Launch c = activate((op(a) op(b) + bias) * slope(gate)), or plus the gate (RESIDUAL); sizes: (batch, m, n, k)."""
    batch, m, n, k = sizes
    steps = (m * k, 0 if shared else k * n)
    flags = [int(ta), int(tb), int(bias is not None), activation, gate_code, 0]
    low.launch("matmul", c.dtype, [c, a, b, bias, gate, batch, m, n, k, *steps, *flags])


def _matmul_lower(node, low):
    a, b = node.inputs
    batch, m, k = _logical(a.shape, node.params["ta"])
    n = node.outputs[0].shape[2]
    multiply(low, node.outputs[0], a, b, None, None, (batch, m, n, k), node.params["ta"], node.params["tb"])


primitive("matmul", infer=_matmul_infer, reference=_matmul_reference, grad=_matmul_grad, lower=_matmul_lower)


def _gated_lower(node, low):
    a, b, gate = node.inputs
    batch, m, k = _logical(a.shape, node.params["ta"])
    n = node.outputs[0].size // max(1, batch * m)
    flags = node.params["ta"], node.params["tb"]
    multiply(low, node.outputs[0], a, b, None, gate, (batch, m, n, k), *flags, gate_code=ACTIVATIONS["relu"])


def _gated_reference(a, b, gate, ta, tb):
    return np.where(gate > 0, _matmul_reference(a, b, ta, tb).reshape(gate.shape), np.zeros((), gate.dtype))


# Made by the fuse pass only: a matrix product whose result passes through relu's derivative.
primitive(
    "gated_matmul",
    infer=lambda node: [(node.inputs[2].shape, node.inputs[2].dtype)],
    reference=_gated_reference,
    lower=_gated_lower,
)

_ACTIVATION_NAMES = {code: name for name, code in ACTIVATIONS.items()}


def added_to(node):
    """Bias and residual of an affine or convolution, None where there is none; only the fuse pass makes residuals."""
    added = list(node.inputs[2:])
    residual = added.pop() if node.params.get("residual") else None
    return added[0] if added else None, residual


def _affine_infer(node):
    x, w = node.inputs[:2]
    (*lead, features), (rows, units) = _turned(x.shape, node.params, "ta"), _turned(w.shape, node.params, "tb")
    if features != rows:
        raise ShapeError(f"affine: {features} features in {x.shape} against {rows} rows of the kernel {w.shape}.")
    return [((*lead, units), x.dtype)]


def _turned(shape, params, flag):
    """The shape as the product sees it; the fuse pass lets it read transposed matrices, of two axes."""
    return shape[::-1] if params.get(flag) else shape


def activated(y, code: int):
    """An array after the activation with a code."""
    name = _ACTIVATION_NAMES[code]
    return y if name == "linear" else TABLE[name].reference(y)


def _affine_reference(x, w, *added, activation=0, ta=False, tb=False, residual=False):
    x, w = (matrix.T if flag else matrix for matrix, flag in ((x, ta), (w, tb)))
    y = x.astype(np.float64) @ w.astype(np.float64)
    return activated(sum(added, y), activation).astype(x.dtype)


def _affine_grad(node, dy):
    x, w = node.inputs[:2]
    features, units = w.shape
    rows = math.prod(x.shape[:-1])
    flat_x = emit("reshape", x, shape=(1, rows, features))
    flat_dy = emit("reshape", dy, shape=(1, rows, units))
    dx = emit("matmul", flat_dy, emit("reshape", w, shape=(1, features, units)), ta=False, tb=True)
    dw = emit("matmul", flat_x, flat_dy, ta=True, tb=False)
    gradients = [emit("reshape", dx, shape=x.shape), emit("reshape", dw, shape=w.shape)]
    if len(node.inputs) == 3:
        bias = emit("reduce", emit("reshape", dy, shape=(rows, units)), axes=(0,), op="sum")
        gradients.append(bias)
    return gradients


def _affine_lower(node, low):
    x, w = node.inputs[:2]
    bias, residual = added_to(node)
    (*lead, features), (_, units) = _turned(x.shape, node.params, "ta"), _turned(w.shape, node.params, "tb")
    flags = (bool(node.params.get("ta")), bool(node.params.get("tb")))
    sizes = (1, math.prod(lead), units, features)
    gate_code = 0 if residual is None else RESIDUAL
    multiply(low, node.outputs[0], x, w, bias, residual, sizes, *flags, node.params.get("activation", 0), gate_code)


primitive("affine", infer=_affine_infer, reference=_affine_reference, grad=_affine_grad, lower=_affine_lower)
