"""Elementwise primitives: any chain of them becomes one launch of the `elementwise` kernel.

All inputs of a row have one dtype (`ops` promotes before), but for the condition of `where`. Shapes broadcast.
"""

from __future__ import annotations

import math

import numpy as np

from nbkeras.errors import ShapeError
from nbkeras.graph.primitives.emit import cast, emit
from nbkeras.graph.primitives.table import primitive


def _broadcast_shape(node):
    try:
        return np.broadcast_shapes(*(s.shape for s in node.inputs))
    except ValueError:
        shapes = " and ".join(str(s.shape) for s in node.inputs)
        raise ShapeError(
            f"{node.primitive.name}: shapes {shapes} do not broadcast.",
            next="each pair of axes, counted from the last, must be equal or one of them 1.",
        ) from None


def _same_dtype(node):
    return [(_broadcast_shape(node), node.inputs[-1].dtype)]


def _boolean(node):
    return [(_broadcast_shape(node), "bool")]


def unbroadcast(gradient, shape):
    """Sum a gradient over the axes along which an operand of this shape was broadcast."""
    if tuple(gradient.shape) == tuple(shape):
        return gradient
    extra = len(gradient.shape) - len(shape)
    axes = [i for i in range(len(gradient.shape)) if i < extra or shape[i - extra] == 1 != gradient.shape[i]]
    if axes:
        gradient = emit("reduce", gradient, axes=tuple(axes), op="sum")
    return emit("reshape", gradient, shape=tuple(shape))


def fill_like(x, value):
    """A scalar constant of x's dtype."""
    return np.asarray(value, x.dtype)


def unary(name, reference, slope=None, grad=None, infer=_same_dtype):
    """`slope(x, y)` is dy/dx in primitives; `grad` the whole rule; neither where the derivative is 0."""

    def chain(node, dy):
        return [multiply(dy, slope(node.inputs[0], node.outputs[0])) if slope else None]

    primitive(name, infer=infer, reference=reference, grad=grad or chain, opcode=name)


def binary(name, reference, slopes, infer=_same_dtype):
    """`slopes(a, b, y, dy)` gives both gradients before un-broadcasting."""

    def grad(node, dy):
        a, b = node.inputs
        gradients = slopes(a, b, node.outputs[0], dy) if slopes else (None, None)
        return [
            None if g is None else unbroadcast(g, s.shape) for g, s in zip(gradients, node.inputs, strict=True)
        ]

    primitive(name, infer=infer, reference=reference, grad=grad, opcode=name)


def add(a, b):
    return emit("add", a, b)


def subtract(a, b):
    return emit("subtract", a, b)


def multiply(a, b):
    return emit("multiply", a, b)


def divide(a, b):
    return emit("divide", a, b)


def negative(x):
    return emit("negative", x)


def where(condition, a, b):
    return emit("where", condition, a, b)


def scale(x, factor):
    """x times a number."""
    return multiply(x, fill_like(x, factor))


def shift(x, amount):
    """x plus a number."""
    return add(x, fill_like(x, amount))


_erf = np.vectorize(math.erf, otypes=[float])


def _sigmoid(x):
    x = np.asarray(x)
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def _bell(x):
    """The derivative of erf: 2/sqrt(pi) * exp(-x*x)."""
    return scale(emit("exp", negative(emit("square", x))), 2 / math.sqrt(math.pi))


def _relu_grad(node, dy):
    y = node.outputs[0]
    return [where(emit("greater", y, fill_like(y, 0)), dy, fill_like(y, 0))]


unary("negative", np.negative, grad=lambda node, dy: [negative(dy)])
unary("absolute", np.abs, lambda x, y: emit("sign", x))
unary("sign", np.sign)
unary("exp", np.exp, lambda x, y: y)
unary("expm1", np.expm1, lambda x, y: shift(y, 1))
unary("log", np.log, lambda x, y: emit("reciprocal", x))
unary("log1p", np.log1p, lambda x, y: emit("reciprocal", shift(x, 1)))
unary("sqrt", np.sqrt, lambda x, y: divide(fill_like(y, 0.5), y))
unary("rsqrt", lambda x: 1 / np.sqrt(x), lambda x, y: scale(divide(y, x), -0.5))
unary("square", np.square, lambda x, y: scale(x, 2))
unary("reciprocal", lambda x: 1 / x, lambda x, y: negative(emit("square", y)))
unary("sin", np.sin, lambda x, y: emit("cos", x))
unary("cos", np.cos, lambda x, y: negative(emit("sin", x)))
unary("tanh", np.tanh, lambda x, y: subtract(fill_like(y, 1), emit("square", y)))
unary("sigmoid", _sigmoid, lambda x, y: multiply(y, subtract(fill_like(y, 1), y)))
unary("erf", lambda x: _erf(x).astype(x.dtype), lambda x, y: _bell(x))
unary("softplus", lambda x: np.logaddexp(x, 0).astype(x.dtype), lambda x, y: emit("sigmoid", x))
unary("floor", np.floor)
unary("ceil", np.ceil)
unary("round", np.round)
unary("isnan", np.isnan, infer=_boolean)
unary("isfinite", np.isfinite, infer=_boolean)
unary("logical_not", np.logical_not, infer=_boolean)
unary("relu", lambda x: np.maximum(x, 0), grad=_relu_grad)

binary("add", np.add, lambda a, b, y, dy: (dy, dy))
binary("subtract", np.subtract, lambda a, b, y, dy: (dy, negative(dy)))
binary("multiply", np.multiply, lambda a, b, y, dy: (multiply(dy, b), multiply(dy, a)))


def _divide_slopes(a, b, y, dy):
    da = divide(dy, b)
    return da, negative(multiply(da, y))


binary("divide", np.true_divide, _divide_slopes)


def _power_slopes(a, b, y, dy):
    # At a == 0 the derivative to b is 0 (y is constant there), not 0 * log 0; b * a**(b-1) stays exact for b in {1, 2}.
    da = multiply(dy, multiply(b, emit("power", a, shift(b, -1))))
    safe = where(emit("greater", a, fill_like(a, 0)), a, fill_like(a, 1))
    return da, multiply(dy, multiply(y, emit("log", safe)))


binary("power", np.power, _power_slopes)


def _choice_slopes(compare):
    def slopes(a, b, y, dy):
        # As Keras on JAX: where the two are equal each gets half.
        half = scale(dy, 0.5)
        zero = fill_like(dy, 0)
        tie = emit("equal", a, b)
        to_a = where(emit(compare, a, b), dy, where(tie, half, zero))
        to_b = where(emit(compare, b, a), dy, where(tie, half, zero))
        return to_a, to_b

    return slopes


binary("maximum", np.maximum, _choice_slopes("greater"))
binary("minimum", np.minimum, _choice_slopes("less"))


def _floor_divide(a, b):
    with np.errstate(all="ignore"):
        return np.floor_divide(a, b)


def _mod(a, b):
    with np.errstate(all="ignore"):
        return np.mod(a, b)


binary("floor_divide", _floor_divide, lambda a, b, y, dy: (None, None))
binary("mod", _mod, lambda a, b, y, dy: (dy, negative(multiply(dy, emit("floor_divide", a, b)))))


def _arctan2_slopes(a, b, y, dy):
    norm = add(emit("square", a), emit("square", b))
    return divide(multiply(dy, b), norm), negative(divide(multiply(dy, a), norm))


binary("arctan2", np.arctan2, _arctan2_slopes)
for _name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
    binary(_name, getattr(np, _name), None, _boolean)
for _name in ("logical_and", "logical_or", "logical_xor"):
    binary(_name, getattr(np, _name), None, _boolean)


def _where_grad(node, dy):
    condition, a, b = node.inputs
    zero = fill_like(dy, 0)
    return [
        None,
        unbroadcast(where(condition, dy, zero), a.shape),
        unbroadcast(where(condition, zero, dy), b.shape),
    ]


primitive("where", infer=_same_dtype, reference=np.where, grad=_where_grad, opcode="where")


def _cast_reference(x, dtype):
    with np.errstate(all="ignore"):
        return np.asarray(x).astype(dtype)


def _cast_grad(node, dy):
    x = node.inputs[0]
    floating = np.dtype(x.dtype).kind == "f" and np.dtype(node.params["dtype"]).kind == "f"
    return [cast(dy, x.dtype) if floating else None]


primitive(
    "cast",
    infer=lambda node: [(node.inputs[0].shape, node.params["dtype"])],
    reference=_cast_reference,
    grad=_cast_grad,
    opcode="cast",
)


def _broadcast_to_infer(node):
    shape, target = node.inputs[0].shape, tuple(node.params["shape"])
    try:
        fits = np.broadcast_shapes(shape, target) == target
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"broadcast_to: shape {shape} does not broadcast to {target}.")
    return [(target, node.inputs[0].dtype)]


primitive(
    "broadcast_to",
    infer=_broadcast_to_infer,
    reference=lambda x, shape: np.broadcast_to(x, shape),
    grad=lambda node, dy: [unbroadcast(dy, node.inputs[0].shape)],
    opcode="broadcast_to",
)

primitive(
    "stop_gradient",
    infer=_same_dtype,
    reference=lambda x: x,
    grad=lambda node, dy: [None],
    view=True,
)
