"""Convolutions of any rank: forward, gradient to the input (the transposed convolution), gradient to the kernel.

The three are one trilinear form, written for samples, positions and channels last:

    y[o, u] = sum over t, c of x[o*stride + t*dilation - padding, c] w[t, c, u]

so each one's gradients are the other two, and gradients of gradients need nothing more. `padding` counts what is
added in front; how much is read behind follows from the output's shape. With groups the channels of x and of y are cut
into as many runs, and a run of y sees its run of x alone: kernels are (*taps, channels of a run, all units).
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from nbkeras.errors import ShapeError
from nbkeras.graph.primitives import convolution_launch as launch
from nbkeras.graph.primitives.emit import emit
from nbkeras.graph.primitives.linear import activated, added_to
from nbkeras.graph.primitives.pooling import pooled_arrays, pooled_shapes, pooling, pooling_of, window_of, with_depth
from nbkeras.graph.primitives.table import TABLE, primitive
from nbkeras.kernels.scalars import ACTIVATIONS

#: What the three share: how the window moves, and the number of groups.
WINDOW = ("stride", "dilation", "padding", "groups")


def _window(node):
    return {name: node.params[name] for name in WINDOW}


def _check(name, x_shape, w_shape, y_shape, groups):
    """Do an input, a kernel and an output have channels that fit?"""
    channels, units = x_shape[-1], y_shape[-1]
    ranks = {len(x_shape), len(w_shape), len(y_shape)}
    if len(ranks) > 1 or x_shape[0] != y_shape[0]:
        raise ShapeError(f"{name}: input {x_shape}, kernel {w_shape} and output {y_shape} do not fit.")
    if channels != groups * w_shape[-2] or units != w_shape[-1] or units % groups:
        raise ShapeError(
            f"{name}: {channels} channels in, {units} out and {groups} groups do not fit a kernel {w_shape}.",
            next="a kernel is (*sizes, channels in / groups, channels out).",
        )


def _touched(source, target, taps, stride, dilation, padding):
    """For each tap: the kernel's index, what it reads of the source and what it adds to of the target, as indices."""
    for tap in itertools.product(*(range(k) for k in taps)):
        read, written = [], []
        for n, m, t, s, d, p in zip(source, target, tap, stride, dilation, padding, strict=True):
            outputs = np.arange(m)
            inputs = outputs * s + t * d - p
            inside = (inputs >= 0) & (inputs < n)
            read.append(inputs[inside])
            written.append(outputs[inside])
        yield tap, read, written


def _at(array, positions):
    return np.ix_(np.arange(array.shape[0]), *positions, np.arange(array.shape[-1]))


def _runs(array, groups):
    """Channels as (groups, channels of a run), in double precision."""
    return array.reshape(*array.shape[:-1], groups, array.shape[-1] // groups).astype(np.float64)


def _joined(array):
    """(groups, channels of a run) as channels."""
    return array.reshape(*array.shape[:-2], array.shape[-2] * array.shape[-1])


def _forward(x, w, shape, stride, dilation, padding, groups):
    y = np.zeros((x.shape[0], *shape, w.shape[-1]))
    for tap, read, written in _touched(x.shape[1:-1], shape, w.shape[:-2], stride, dilation, padding):
        part = np.einsum("...gc,cgu->...gu", _runs(x[_at(x, read)], groups), _runs(w[tap], groups))
        y[_at(y, written)] += _joined(part)
    return y


def _reference(x, w, *added, shape, stride, dilation, padding, groups, activation=0, residual=False, pool=None):
    y = _forward(x, w, shape, stride, dilation, padding, groups)
    y = activated(sum(added, y), activation).astype(x.dtype)
    return y if pool is None else tuple(pooled_arrays(y, pool))


def _input_reference(dy, w, shape, stride, dilation, padding, groups):
    dx = np.zeros((dy.shape[0], *shape, w.shape[-2] * groups))
    for tap, read, written in _touched(shape, dy.shape[1:-1], w.shape[:-2], stride, dilation, padding):
        part = np.einsum("...gu,cgu->...gc", _runs(dy[_at(dy, written)], groups), _runs(w[tap], groups))
        dx[_at(dx, read)] += _joined(part)
    return dx.astype(dy.dtype)


def _kernel_reference(x, dy, *places, shape, stride, dilation, padding, groups, bias=False, spread=None):
    if places:
        shape_of_all = with_depth(spread["pixels"])
        pixels = TABLE["max_pool_gradient"].reference(dy, *places, shape=shape_of_all, **window_of(spread))
        dy = pixels.reshape(spread["pixels"])
    dw = np.zeros((*shape, x.shape[-1] // groups, dy.shape[-1]))
    for tap, read, written in _touched(x.shape[1:-1], dy.shape[1:-1], shape, stride, dilation, padding):
        a, b = _runs(x[_at(x, read)], groups), _runs(dy[_at(dy, written)], groups)
        pixels = math.prod(a.shape[:-2])
        a, b = a.reshape(pixels, *a.shape[-2:]), b.reshape(pixels, *b.shape[-2:])
        dw[tap] = np.einsum("pgc,pgu->cgu", a, b).reshape(dw[tap].shape)
    dw = dw.astype(x.dtype)
    return (dw, dy.astype(np.float64).sum(tuple(range(dy.ndim - 1))).astype(x.dtype)) if bias else dw


def _infer(node):
    x, w = node.inputs[:2]
    y = (x.shape[0], *node.params["shape"], w.shape[-1])
    _check("convolution", x.shape, w.shape, y, node.params["groups"])
    pool = node.params.get("pool")  # set by the fuse pass, as are `activation` and `residual`
    return [(y, x.dtype)] if pool is None else pooled_shapes(y, x.dtype, pool)


def _input_infer(node):
    dy, w = node.inputs[:2]
    x = (dy.shape[0], *node.params["shape"], w.shape[-2] * node.params["groups"])
    _check("convolution_input", x, w.shape, dy.shape, node.params["groups"])
    return [(x, dy.dtype)]


def _gradient_shape(node):
    """The shape of the gradient to the pixels, of which a kernel's gradient may be given that to pooled ones."""
    spread = node.params.get("spread")
    return node.inputs[1].shape if spread is None else spread["pixels"]


def _kernel_infer(node):
    x, dy = node.inputs[:2]
    w = (*node.params["shape"], x.shape[-1] // node.params["groups"], dy.shape[-1])
    _check("convolution_kernel", x.shape, w, _gradient_shape(node), node.params["groups"])
    # `bias`, and `spread` with the places as third input, are set by the fuse pass.
    bias = [(dy.shape[-1:], x.dtype)] if node.params.get("bias") else []
    return [(w, x.dtype), *bias]


def _to_input(dy, w, x_shape, window):
    return emit("convolution_input", dy, w, shape=tuple(x_shape[1:-1]), **window)


def _to_kernel(x, dy, w_shape, window):
    return emit("convolution_kernel", x, dy, shape=tuple(w_shape[:-2]), **window)


def _to_output(x, w, y_shape, window):
    return emit("convolution", x, w, shape=tuple(y_shape[1:-1]), **window)


def _grad(node, dy):
    x, w = node.inputs[:2]
    window = _window(node)
    gradients = [_to_input(dy, w, x.shape, window), _to_kernel(x, dy, w.shape, window)]
    if len(node.inputs) == 3:
        units = dy.shape[-1]
        flat = emit("reshape", dy, shape=(math.prod(dy.shape[:-1]), units))
        gradients.append(emit("reduce", flat, axes=(0,), op="sum"))
    return gradients


def _input_grad(node, dx):
    dy, w = node.inputs
    window = _window(node)
    return [_to_output(dx, w, dy.shape, window), _to_kernel(dx, dy, w.shape, window)]


def _kernel_grad(node, dw):
    x, dy = node.inputs
    window = _window(node)
    return [_to_input(dy, dw, x.shape, window), _to_output(x, dw, dy.shape, window)]


def _lower(node, low):
    x, w = node.inputs[:2]
    y = (x.shape[0], *node.params["shape"], w.shape[-1])
    form = launch.Form(x.shape, w.shape, y, **_window(node))
    pool = pooling_of(node, form.y)
    launch.forward(low, form, node.outputs[0], x, w, *added_to(node), node.params.get("activation", 0), pool)


def _input_lower(node, low):
    dy, w, *gate = node.inputs
    form = launch.Form(_input_infer(node)[0][0], w.shape, dy.shape, **_window(node))
    gate_code = ACTIVATIONS["relu"] if gate else 0
    launch.to_input(low, form, node.outputs[0], dy, w, gate[0] if gate else None, gate_code)


def _kernel_lower(node, low):
    x, dy, *places = node.inputs
    form = launch.Form(x.shape, node.outputs[0].shape, _gradient_shape(node), **_window(node))
    spread = pooling(node.params["spread"], dy, places[0], form.y) if places else None
    dw, *db = node.outputs
    launch.to_kernel(low, form, dw, db[0] if db else None, x, dy, spread)


primitive("convolution", infer=_infer, reference=_reference, grad=_grad, lower=_lower)
primitive(
    "convolution_input", infer=_input_infer, reference=_input_reference, grad=_input_grad, lower=_input_lower
)
primitive(
    "convolution_kernel", infer=_kernel_infer, reference=_kernel_reference, grad=_kernel_grad, lower=_kernel_lower
)


def _gated_reference(dy, w, gate, **params):
    return np.where(gate > 0, _input_reference(dy, w, **params).reshape(gate.shape), np.zeros((), gate.dtype))


# Made by the fuse pass only: a gradient to the input that passes through relu's derivative.
primitive(
    "gated_convolution_input",
    infer=lambda node: [(node.inputs[2].shape, node.inputs[2].dtype)],
    reference=_gated_reference,
    lower=_input_lower,
)
