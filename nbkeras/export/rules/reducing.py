"""Reductions, running sums, matrix products and the Fourier transform in ONNX."""

from __future__ import annotations

import numpy as np

from nbkeras.export.batch import Rows
from nbkeras.export.rules.elementwise import activated, back, floats, wide
from nbkeras.export.rules.table import rule
from nbkeras.export.writer import Unsupported


@rule("reduce")
def _reduce(w, step):
    axes = step.params["axes"]
    if not axes:
        return [w.name(step.inputs[0])]
    (x,), dtype = wide(w, step)
    axes = w.constant(np.array(axes, np.int64))
    if step.outputs[0].dtype == "bool":
        # Of no values ONNX has the least number there is, or 0, for the greatest; for the least its runtimes differ.
        every, one = step.params["op"] == "min", w.number(1, dtype)
        y = w.node("ReduceMax", w.node("Sub", one, x) if every else x, axes, keepdims=0)
        y = w.node("Greater", y, w.number(0, dtype))
        return [w.node("Not", y) if every else y]
    operator = {"sum": "ReduceSum", "max": "ReduceMax", "min": "ReduceMin", "prod": "ReduceProd"}[step.params["op"]]
    return back(w, step, w.node(operator, x, axes, keepdims=0), dtype)


@rule("arg_reduce")
def _arg_reduce(w, step):
    (x,), _ = wide(w, step)
    return [w.node("ArgMax" if step.params["op"] == "max" else "ArgMin", x, axis=step.params["axis"], keepdims=0)]


@rule("cumulative")
def _cumulative(w, step):
    if step.params["op"] != "sum":
        raise Unsupported("of products")
    (x,), dtype = wide(w, step)
    axis = w.number(step.params["axis"], "int64")
    return back(w, step, w.node("CumSum", x, axis, reverse=int(step.params["reverse"])), dtype)


@rule("matmul")
def _matmul(w, step):
    sides = [
        w.transposed(value, (0, 2, 1)) if step.params[flag] else w.name(value)
        for value, flag in zip(step.inputs, ("ta", "tb"), strict=True)
    ]
    return [w.node("MatMul", *sides)]


@rule("affine")
def _affine(w, step):
    y = w.node("MatMul", w.name(step.inputs[0]), w.name(step.inputs[1]))
    if len(step.inputs) == 3:
        y = w.node("Add", y, w.name(step.inputs[2]))
    return [activated(w, step, y)]


@rule("fourier")
def _fourier(w, step):
    parts, dtype = floats(w, step)
    last = w.constant(np.array([-1], np.int64))
    both = w.node("Concat", *(w.node("Unsqueeze", part, last) for part in parts), axis=-1)
    inverse = bool(step.params["inverse"])
    found = w.node("DFT", both, axis=1, inverse=int(inverse))
    if inverse:
        # ONNX divides by the length.
        length = step.inputs[0].shape[1]
        if isinstance(length, Rows):
            raise Unsupported("along the batch")
        found = w.node("Mul", found, w.number(length, dtype))
    real, imaginary = w.node("Split", found, outputs=2, axis=-1, num_outputs=2)
    return [w.node("Squeeze", real, last), w.node("Squeeze", imaginary, last)]
