"""Elementwise primitives in ONNX."""

from __future__ import annotations

import math

import numpy as np

from nbkeras.export.rules.table import rule
from nbkeras.export.writer import Unsupported
from nbkeras.kernels.scalars import ACTIVATIONS

#: What operators of arithmetic take in onnxruntime; other whole numbers are brought to one of them and back.
WIDE = ("float32", "float64", "int32", "int64")
WIDER = {"bool": "int32", "int8": "int32", "int16": "int32", "uint8": "int32", "uint16": "int32", "uint32": "int64"}

#: Primitives that are one operator, which takes numbers of the `WIDE` kinds.
OPERATORS = {
    **{"negative": "Neg", "absolute": "Abs", "sign": "Sign", "relu": "Relu"},
    **{"add": "Add", "subtract": "Sub", "multiply": "Mul", "power": "Pow"},
}

#: Primitives of floating-point numbers alone that are one operator.
OF_FLOATS = {
    **{"exp": "Exp", "log": "Log", "sqrt": "Sqrt", "reciprocal": "Reciprocal", "sin": "Sin", "cos": "Cos"},
    **{"tanh": "Tanh", "sigmoid": "Sigmoid", "erf": "Erf", "softplus": "Softplus", "floor": "Floor", "ceil": "Ceil"},
    **{"round": "Round", "isnan": "IsNaN", "divide": "Div", "tan": "Tan", "asin": "Asin", "acos": "Acos"},
    **{"atan": "Atan", "sinh": "Sinh", "cosh": "Cosh", "asinh": "Asinh", "acosh": "Acosh", "atanh": "Atanh"},
}

COMPARISONS = {
    "equal": "Equal", "less": "Less", "less_equal": "LessOrEqual", "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
}  # fmt: skip

LOGIC = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor", "logical_not": "Not"}
BITS = {"bitwise_and": "BitwiseAnd", "bitwise_or": "BitwiseOr", "bitwise_xor": "BitwiseXor"}


def wide(w, step) -> tuple[list[str], str]:
    """The inputs in a dtype that operators take, and that dtype."""
    dtype = step.inputs[-1].dtype
    names = [w.name(value) for value in step.inputs]
    if dtype in WIDE:
        return names, dtype
    if dtype not in WIDER:
        raise Unsupported(f"of {dtype}")
    return [w.cast(name, WIDER[dtype]) for name in names], WIDER[dtype]


def back(w, step, name: str, dtype: str) -> list[str]:
    """The output in its own dtype."""
    return [name if dtype == step.outputs[0].dtype else w.cast(name, step.outputs[0].dtype)]


def floats(w, step) -> tuple[list[str], str]:
    """The inputs, which must be floating-point numbers, and their dtype."""
    dtype = step.inputs[0].dtype
    if not dtype.startswith("float"):
        raise Unsupported(f"of {dtype}")
    return [w.name(value) for value in step.inputs], dtype


@rule(*OPERATORS)
def _operator(w, step):
    inputs, dtype = wide(w, step)
    return back(w, step, w.node(OPERATORS[step.primitive], *inputs), dtype)


@rule(*OF_FLOATS)
def _of_floats(w, step):
    return [w.node(OF_FLOATS[step.primitive], *floats(w, step)[0])]


@rule(*COMPARISONS)
def _comparison(w, step):
    return [w.node(COMPARISONS[step.primitive], *wide(w, step)[0])]


@rule("not_equal")
def _not_equal(w, step):
    return [w.node("Not", w.node("Equal", *wide(w, step)[0]))]


@rule(*LOGIC)
def _logic(w, step):
    names = [w.name(value) for value in step.inputs]
    if step.inputs[0].dtype != "bool":
        names = [w.cast(name, "bool") for name in names]
    return [w.node(LOGIC[step.primitive], *names)]


@rule(*BITS)
def _bits(w, step):
    names = [w.name(value) for value in step.inputs]
    if step.inputs[0].dtype == "bool":
        return [w.node(BITS[step.primitive].removeprefix("Bitwise"), *names)]
    return [w.node(BITS[step.primitive], *names)]


@rule("square")
def _square(w, step):
    (x,), dtype = wide(w, step)
    return back(w, step, w.node("Mul", x, x), dtype)


@rule("rsqrt")
def _rsqrt(w, step):
    return [w.node("Reciprocal", w.node("Sqrt", *floats(w, step)[0]))]


@rule("expm1")
def _expm1(w, step):
    # (exp(x) + 1) * tanh(x / 2) has all its digits near 0, which exp(x) - 1 has not.
    (x,), dtype = floats(w, step)
    half = w.node("Tanh", w.node("Mul", x, w.number(0.5, dtype)))
    return [w.node("Mul", w.node("Add", w.node("Exp", x), w.number(1, dtype)), half)]


@rule("log1p")
def _log1p(w, step):
    # Near 0 the same digits as by log1p: log(1 + x) = 2 * atanh(x / (2 + x)).
    (x,), dtype = floats(w, step)
    small = w.node("Less", w.node("Abs", x), w.number(0.5, dtype))
    near = w.node("Atanh", w.node("Div", x, w.node("Add", x, w.number(2, dtype))))
    far = w.node("Log", w.node("Add", x, w.number(1, dtype)))
    return [w.node("Where", small, w.node("Mul", near, w.number(2, dtype)), far)]


@rule("log2", "log10")
def _log_of_base(w, step):
    (x,), dtype = floats(w, step)
    base = 2 if step.primitive == "log2" else 10
    return [w.node("Mul", w.node("Log", x), w.number(1 / math.log(base), dtype))]


@rule("erfc")
def _erfc(w, step):
    (x,), dtype = floats(w, step)
    return [w.node("Sub", w.number(1, dtype), w.node("Erf", x))]


@rule("isfinite")
def _isfinite(w, step):
    (x,), _ = floats(w, step)
    return [w.node("Not", w.node("Or", w.node("IsNaN", x), w.node("IsInf", x)))]


@rule("maximum", "minimum")
def _choice(w, step):
    inputs, dtype = wide(w, step)
    return back(w, step, w.node("Max" if step.primitive == "maximum" else "Min", *inputs), dtype)


@rule("floor_divide")
def _floor_divide(w, step):
    (a, b), dtype = wide(w, step)
    if dtype.startswith("float"):
        return [w.node("Floor", w.node("Div", a, b))]
    # ONNX rounds towards 0: what is left tells whether that was up.
    whole = w.node("Sub", a, w.node("Mod", a, b))
    return back(w, step, w.node("Div", whole, b), dtype)


@rule("mod")
def _mod(w, step):
    (a, b), dtype = wide(w, step)
    if not dtype.startswith("float"):
        return back(w, step, w.node("Mod", a, b), dtype)
    # C's remainder has the sign of a, NumPy's that of b.
    left, zero = w.node("Mod", a, b, fmod=1), w.number(0, dtype)
    other_sign = w.node("Xor", w.node("Less", left, zero), w.node("Less", b, zero))
    turn = w.node("And", other_sign, w.node("Not", w.node("Equal", left, zero)))
    return [w.node("Where", turn, w.node("Add", left, b), left)]


@rule("arctan2")
def _arctan2(w, step):
    (y, x), dtype = floats(w, step)
    zero = w.number(0, dtype)
    up = w.node("GreaterOrEqual", y, zero)
    turned = w.node("Where", up, w.number(math.pi, dtype), w.number(-math.pi, dtype))
    angle = w.node("Atan", w.node("Div", y, x))
    left = w.node("Where", w.node("Less", x, zero), w.node("Add", angle, turned), angle)
    # Straight up or down, where there is nothing to divide by.
    upright = w.node("Mul", w.node("Sign", y), w.number(math.pi / 2, dtype))
    return [w.node("Where", w.node("Equal", x, zero), upright, left)]


@rule("where")
def _where(w, step):
    names = [w.name(value) for value in step.inputs]
    if step.inputs[0].dtype != "bool":
        names[0] = w.cast(names[0], "bool")
    dtype = step.inputs[1].dtype
    if dtype in (*WIDE, "uint8"):
        return [w.node("Where", *names)]
    if dtype not in WIDER:
        raise Unsupported(f"of {dtype}")
    names[1:] = [w.cast(name, WIDER[dtype]) for name in names[1:]]
    return [w.cast(w.node("Where", *names), dtype)]


@rule("cast")
def _cast(w, step):
    return [w.cast(w.name(step.inputs[0]), step.outputs[0].dtype)]


@rule("broadcast_to")
def _broadcast_to(w, step):
    return [w.node("Expand", w.name(step.inputs[0]), w.ints(step.outputs[0].shape))]


@rule("stop_gradient", "own_gradient")
def _as_it_is(w, step):
    return [w.name(value) for value in step.inputs[: len(step.outputs)]]


def activated(w, step, name: str) -> str:
    """A value after the activation in a step's parameters."""
    code = step.params.get("activation", 0)
    activation = next(known for known, number in ACTIVATIONS.items() if number == code)
    if activation == "linear":
        return name
    if activation not in OF_FLOATS and activation != "relu":
        raise Unsupported(f"with the activation {activation}")
    return w.node(OF_FLOATS.get(activation, "Relu"), name)


@rule("softmax")
def _softmax(w, step):
    return [w.node("LogSoftmax" if step.params["log"] else "Softmax", *floats(w, step)[0], axis=-1)]


@rule("channel_affine")
def _channel_affine(w, step):
    x, center, scale, shift = step.inputs
    if scale.known and shift.known and center.known:
        # One product and one sum.
        factor = scale.array.astype(np.float64)
        rest = (shift.array - center.array * factor).astype(x.dtype)
        y = w.node("Mul", w.name(x), w.constant(scale.array, "scale"))
        y = w.node("Add", y, w.constant(rest, "shift"))
    else:
        y = w.node("Mul", w.node("Sub", w.name(x), w.name(center)), w.name(scale))
        y = w.node("Add", y, w.name(shift))
    return [w.node("Relu", y) if step.params.get("relu") else y]


@rule("row_norm")
def _row_norm(w, step):
    (x, gamma, beta), dtype = floats(w, step)
    axis = w.constant(np.array([-1], np.int64))
    level = w.node("ReduceMean", x, axis, keepdims=1)
    if not step.params["centered"]:
        level = w.node("Mul", level, w.number(0, dtype))
    away = w.node("Sub", x, level) if step.params["centered"] else x
    variance = w.node("ReduceMean", w.node("Mul", away, away), axis, keepdims=1)
    root = w.node("Sqrt", w.node("Add", variance, w.number(step.params["epsilon"], dtype)))
    y = w.node("Add", w.node("Mul", w.node("Div", away, root), gamma), beta)
    return [y, w.node("Squeeze", level, axis), w.node("Squeeze", w.node("Reciprocal", root), axis)]
