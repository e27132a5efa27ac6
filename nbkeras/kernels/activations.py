"""Activations by code: what a matrix product applies to its result, and the slope as a function of that result."""

from __future__ import annotations

from nbkeras.kernels.arithmetic import clamped, relu
from nbkeras.kernels.exponential import exp, expm1, sigmoid, softplus, tanh
from nbkeras.kernels.formula import choice, constant, flag, magnitude, select

SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772


def _elu(x):
    return select(x > 0, x, expm1.trace(x))


def _leaky_relu(x):
    return select(x < 0, x * 0.2, x)


#: In the place of the code of a gate: what stands there is added, before the activation, instead.
RESIDUAL = 255

#: Activation -> code. Just those whose derivative is a function of the output y, so that nothing else is saved.
ACTIVATIONS = {
    "linear": 0,
    "relu": 1,
    "sigmoid": 2,
    "tanh": 3,
    "relu6": 4,
    "elu": 5,
    "selu": 6,
    "softplus": 7,
    "softsign": 8,
    "exponential": 9,
    "hard_sigmoid": 10,
    "leaky_relu": 11,
}

_ACTIVATE = {
    "linear": lambda x: x,
    "relu": relu.trace,
    "sigmoid": sigmoid.trace,
    "tanh": tanh.trace,
    "relu6": lambda x: clamped(x, 0.0, 6.0),
    "elu": _elu,
    "selu": lambda x: select(x > 0, x, expm1.trace(x) * SELU_ALPHA) * SELU_SCALE,
    "softplus": softplus.trace,
    "softsign": lambda x: x / (magnitude(x) + 1.0),
    "exponential": exp.trace,
    "hard_sigmoid": lambda x: clamped(x * (1.0 / 6.0) + 0.5, 0.0, 1.0),
    "leaky_relu": _leaky_relu,
}

_SLOPE = {
    "linear": lambda y: constant(1, y),
    "relu": lambda y: flag(y > 0, y),
    "sigmoid": lambda y: y * (1.0 - y),
    "tanh": lambda y: 1.0 - y * y,
    "relu6": lambda y: flag((y > 0) & (y < 6.0), y),
    "elu": lambda y: select(y > 0, 1.0, y + 1.0),
    "selu": lambda y: select(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA),
    "softplus": lambda y: -expm1.trace(-y),
    "softsign": lambda y: (1.0 - magnitude(y)) * (1.0 - magnitude(y)),
    "exponential": lambda y: y,
    "hard_sigmoid": lambda y: select((y > 0) & (y < 1.0), constant(1.0 / 6.0, y), 0.0),
    "leaky_relu": lambda y: select(y < 0, constant(0.2, y), 1.0),
}

#: activate(code, x): the activation with a code, chosen at run time.
activate = choice("activate", {code: _ACTIVATE[name] for name, code in ACTIVATIONS.items()})
#: activation_slope(code, y): dy/dx as a function of y = activate(code, x).
activation_slope = choice("activation_slope", {code: _SLOPE[name] for name, code in ACTIVATIONS.items()})
