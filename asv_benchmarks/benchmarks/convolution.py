"""Convolutions, forward and both gradients: time, time a thousand multiply-adds, and time over PyTorch's."""

from __future__ import annotations

import numpy as np

from .common import ratio, seconds_per_call

#: Samples x height x width x channels -> channels, size of the window, strides, padding, groups.
SHAPES = {
    "128x28x28x1-32": (128, 28, 1, 32, 3, 1, 0, 1),
    "128x13x13x32-64": (128, 13, 32, 64, 3, 1, 0, 1),
    "64x34x34x32-32": (64, 34, 32, 32, 3, 1, 0, 1),
    "64x18x18x64-64": (64, 18, 64, 64, 3, 1, 0, 1),
    "64x10x10x128-128": (64, 10, 128, 128, 3, 1, 0, 1),
    "64x32x32x3-32 same": (64, 32, 3, 32, 3, 1, 1, 1),
    "64x16x16x32-64 5x5 same": (64, 16, 32, 64, 5, 1, 2, 1),
    "64x32x32x32-64 strided": (64, 32, 32, 64, 3, 2, 1, 1),
    "64x16x16x64-64 1x1": (64, 16, 64, 64, 1, 1, 0, 1),
    "64x32x32x3 depthwise": (64, 32, 3, 3, 3, 1, 1, 3),
    "64x32x32x32 depthwise": (64, 32, 32, 32, 3, 1, 1, 32),
    "64x32x32x32 depthwise 5x5": (64, 32, 32, 32, 5, 1, 2, 32),
    "64x33x33x64 depthwise strided": (64, 33, 64, 64, 3, 2, 1, 64),
    "32x16x16x256 depthwise": (32, 16, 256, 256, 3, 1, 1, 256),
    "64x32x32x16-32 depthwise": (64, 32, 16, 32, 3, 1, 1, 16),
}
WAYS = ("forward", "to input", "to kernel")


def plan_of(shape, way):
    """A plan of one convolution on random numbers, and its multiply-adds."""
    from nbkeras.graph import trace
    from nbkeras.graph.plan import Plan
    from nbkeras.graph.primitives import emit

    samples, size, channels, units, taps, stride, padding, groups = shape
    out = (size + 2 * padding - taps) // stride + 1
    x, w, y = (samples, size, size, channels), (taps, taps, channels // groups, units), (samples, out, out, units)
    window = {"stride": (stride,) * 2, "dilation": (1, 1), "padding": (padding,) * 2, "groups": groups}
    name, inputs, result = {
        "forward": ("convolution", (x, w), (out, out)),
        "to input": ("convolution_input", (y, w), (size, size)),
        "to kernel": ("convolution_kernel", (x, y), (taps, taps)),
    }[way]
    with trace.Graph() as graph:
        symbols = [graph.input(shape, "float32") for shape in inputs]
        graph.outputs = [emit(name, *symbols, shape=result, **window)]
    plan = Plan(graph)
    rng = np.random.default_rng(0)
    for buffer in plan.inputs:
        buffer[...] = rng.standard_normal(buffer.shape)
    return plan, samples * out * out * taps * taps * channels // groups * units


def torch_of(shape, way):
    """The same in PyTorch with channels last, a function; None where it is not installed."""
    try:
        import torch
    except ImportError:
        return None
    from nbkeras.kernels import threads

    torch.set_num_threads(threads.get_num_threads())
    samples, size, channels, units, taps, stride, padding, groups = shape
    out = (size + 2 * padding - taps) // stride + 1
    x, w, y = (
        torch.randn(*sizes).to(memory_format=torch.channels_last)
        for sizes in (
            (samples, channels, size, size),
            (units, channels // groups, taps, taps),
            (samples, units, out, out),
        )
    )
    if way == "forward":
        return lambda: torch.nn.functional.conv2d(x, w, stride=stride, padding=padding, groups=groups)
    mask = [way == "to input", way == "to kernel", False]
    options = [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], groups, mask
    return lambda: torch.ops.aten.convolution_backward(y, x, w, None, *options)


class Convolution:
    """One convolution: microseconds, nanoseconds a thousand multiply-adds, and the time over PyTorch's."""

    version = "1"
    timeout = 300
    unit = "us"
    params = (tuple(SHAPES), WAYS)
    param_names = ("shape", "way")

    def setup(self, shape, way):
        self.plan, self.work = plan_of(SHAPES[shape], way)
        self.plan.run()

    def track_time(self, shape, way):
        return seconds_per_call(self.plan.run) * 1e6

    def track_time_a_thousand_multiply_adds(self, shape, way):
        return seconds_per_call(self.plan.run) / self.work * 1e12

    track_time_a_thousand_multiply_adds.unit = "ns"

    def track_ratio_torch(self, shape, way):
        theirs = torch_of(SHAPES[shape], way)
        return float("nan") if theirs is None else ratio(self.plan.run, theirs)

    track_ratio_torch.unit = "ratio to PyTorch"


#: How the work grows along one size: samples, height and width, channels in and out of a 3 by 3 window.
GROWTH = {
    **{f"batch {n}": (n, 16, 64) for n in (1, 4, 16, 64, 256, 1024)},
    **{f"channels {n}": (16, 16, n) for n in (8, 16, 32, 64, 128, 256, 512)},
    **{f"image {n}": (16, n, 32) for n in (8, 16, 32, 64, 128)},
}


class Growth:
    """A convolution as one of its sizes grows, the padding as wide as the window: a cliff is a point off the curve."""

    version = "1"
    timeout = 300
    unit = "ns"
    params = (tuple(GROWTH), WAYS)
    param_names = ("size", "way")

    def setup(self, size, way):
        samples, height, channels = GROWTH[size]
        self.plan, self.work = plan_of((samples, height, channels, channels, 3, 1, 1, 1), way)
        self.plan.run()

    def track_time_a_thousand_multiply_adds(self, size, way):
        return seconds_per_call(self.plan.run) / self.work * 1e12


#: Samples, height and width, channels, units of a first layer: 3 by 3, bias, relu, max pooling of 2 by 2.
POOLED = {"128x28x28x1-32": (128, 28, 1, 32), "128x13x13x32-64": (128, 13, 32, 64), "64x34x34x3-32": (64, 34, 3, 32)}


class PooledLayer:
    """A convolution with its max pooling: microseconds, and with the gradients to kernel and bias."""

    version = "1"
    timeout = 300
    unit = "us"
    params = (tuple(POOLED), ("forward", "and back"))
    param_names = ("shape", "way")

    def setup(self, shape, way):
        from nbkeras import ops
        from nbkeras.graph import trace
        from nbkeras.graph.gradient import gradient
        from nbkeras.graph.plan import Plan

        samples, size, channels, units = POOLED[shape]
        out = (size - 2) // 2
        shapes = (samples, size, size, channels), (3, 3, channels, units), (units,), (samples, out, out, units)
        with trace.Graph() as graph:
            x, w, b, dy = (graph.input(sizes, "float32") for sizes in shapes)
            y = ops.max_pool(ops.relu(ops.add(ops.conv(x, w), b)), 2)
            graph.outputs = [y, *(gradient(y, [w, b], seed=dy) if way == "and back" else ())]
        self.plan = Plan(graph)
        rng = np.random.default_rng(0)
        for buffer in self.plan.inputs:
            buffer[...] = rng.standard_normal(buffer.shape)
        self.plan.run()

    def track_time(self, shape, way):
        return seconds_per_call(self.plan.run) * 1e6
