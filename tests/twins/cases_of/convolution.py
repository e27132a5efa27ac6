"""Cases of the convolution kernels: windows made by the lowering, so that both devices read real tables."""

from __future__ import annotations

import numpy as np

from nbkeras.graph.primitives import convolution_launch as launch
from nbkeras.graph.primitives.pooling import Pooling
from nbkeras.kernels.scalars import RESIDUAL
from tests.twins.cases import normal

#: x shape, kernel shape, y shape, stride, dilation, padding, groups.
FORMS = {
    "plain": ((2, 5, 4, 3), (3, 2, 3, 3), (2, 5, 4, 3), (1, 1), (1, 1), (1, 0), 1),
    "strided": ((1, 7, 6, 33), (3, 3, 33, 2), (1, 4, 3, 2), (2, 2), (1, 1), (1, 1), 1),
    "dilated": ((1, 9, 3), (2, 3, 1), (1, 6, 1), (1,), (3,), (0,), 1),
    "grouped": ((1, 4, 4, 6), (2, 2, 3, 4), (1, 4, 4, 4), (1, 1), (1, 1), (0, 0), 2),
    "volume": ((1, 3, 2, 3, 3), (2, 2, 2, 3, 1), (1, 2, 2, 3, 1), (1, 1, 1), (1, 1, 1), (0, 1, 1), 1),
}
#: As above: few channels, which are reached by what is sent through each tap.
NARROW = {
    "plain": ((2, 5, 4, 1), (3, 2, 1, 5), (2, 5, 4, 5), (1, 1), (1, 1), (1, 0), 1),
    "strided": ((1, 7, 6, 2), (3, 3, 2, 9), (1, 4, 3, 9), (2, 2), (1, 1), (1, 1), 1),
}
DEPTHWISE = {
    "plain": ((2, 5, 4, 3), (3, 3, 1, 3), (2, 5, 4, 3), (1, 1), (1, 1), (1, 1), 3),
    "strided": ((1, 7, 5), (2, 1, 5), (1, 3, 5), (2,), (1,), (0,), 5),
    "outside": ((2, 17, 3), (17, 1, 3), (2, 17, 3), (1,), (1,), (8,), 3),
}

#: samples, height, width, x height, x width, above, left, channels, units, tall, dilations.
WINOGRAD = {
    "tall": (1, 2, 3, 4, 4, 1, 0, 16, 1, 1, 1, 1),
    "flat": (2, 1, 5, 1, 5, 0, 1, 16, 3, 0, 1, 1),
    "dilated": (1, 2, 3, 2, 3, 2, 3, 16, 1, 1, 2, 3),
}


class Recorder:
    """A lowering that keeps the launch of one kernel and makes arrays of what it asks for."""

    def __init__(self, rng, real, kernel):
        self.rng, self.real, self.kernel, self.arguments = rng, real, kernel, None

    def launch(self, kernel, dtype, arguments, **_):
        if kernel == self.kernel:
            self.arguments = list(arguments)

    def temp(self, shape, dtype):
        return normal(self.rng, shape, self.real)

    def pays(self, kernel, **numbers):
        return kernel == self.kernel and "pooled" in numbers


def launched(kernel, form, run):
    """What a launch of a form gives a kernel: `run(recorder, form, x, w, y)`."""

    def make(rng, real):
        recorder = Recorder(rng, real, kernel)
        shapes = form[:3]
        arrays = [normal(rng, shape, real) for shape in shapes]
        run(recorder, launch.Form(*form), *arrays, normal(rng, shapes[2][-1], real), normal(rng, shapes[0], real))
        return [np.ascontiguousarray(a) if isinstance(a, np.ndarray) else a for a in recorder.arguments]

    return make


def forward(low, form, x, w, y, bias, gate):
    launch.forward(low, form, y, x, w, bias, None, 1)


def summed(low, form, x, w, y, bias, gate):
    launch.forward(low, form, y, x, w, bias, np.sin(y), 1)


def pooled(shape, units, real, keep):
    """Max pooling of an image of (n, 1, h, w, units): windows of 2 by 3 that lie 2 and 3 apart, some of them cut."""
    out = (1, -(-shape[2] // 2), shape[3] // 3 + 1)
    y = np.zeros((shape[0], *out, units), real)
    places = np.zeros(y.shape, np.uint16) if keep else None
    return Pooling(y, places, (*shape[:4], units), (1, 2, 3), (1, 2, 3), (0, 0, 2), out)


def pooled_forward(low, form, x, w, y, bias, gate):
    pool = pooled(form.y, y.shape[-1], y.dtype, True)
    launch.forward(low, form, pool.y, x, w, bias, None, 1, pool)


def to_input(low, form, x, w, y, bias, gate):
    launch.to_input(low, form, x, y, w, gate, 1)


def to_kernel(low, form, x, w, y, bias, gate):
    launch.to_kernel(low, form, w, None, x, y)


def to_kernel_and_bias(low, form, x, w, y, bias, gate):
    launch.to_kernel(low, form, w, bias, x, y)


def from_pooled(low, form, x, w, y, bias, gate):
    """The gradient to the kernel, given that to pooled pixels and places that stand inside the image."""
    spread = pooled(form.y, y.shape[-1], y.dtype, True)
    spread.y[...] = normal(low.rng, spread.y.shape, y.dtype)
    for row, column in np.ndindex(spread.out[1:]):
        first, last = max(0, 2 - 3 * column), min(3, form.y[3] + 2 - 3 * column)
        lines = min(2, form.y[2] - 2 * row)
        shape = (form.y[0], y.shape[-1])
        spread.places[:, 0, row, column] = low.rng.integers(lines, size=shape) * 3 + low.rng.integers(
            first, last, size=shape
        )
    launch.to_kernel(low, form, w, bias, x, spread.y, spread)


def convolution(maker):
    for dtype in ("f4", "f8"):
        for label, form in FORMS.items():
            taps = int(np.prod(form[1][:-2]))
            if label in ("plain", "strided", "grouped"):
                maker.add("convolve", f"{label}-pooled", dtype, launched("convolve", form, pooled_forward))
                maker.add("convolve_kernel", f"{label}-pooled", dtype, launched("convolve_kernel", form, from_pooled))
            for kernel, run, way in (
                ("convolve", forward, "forward"),
                ("convolve", summed, "summed"),
                ("convolve", to_input, "input"),
                ("convolve_kernel", to_kernel, "kernel"),
                ("convolve_kernel", to_kernel_and_bias, "kernel and bias"),
            ):
                maker.add(kernel, f"{label}-{way}", dtype, launched(kernel, form, run))
            for turned in (0, 1):
                channels, units, groups = form[1][-2], form[1][-1] // form[-1], form[-1]
                depth, columns = (units, channels) if turned else (channels, units)
                strips = groups * -(-columns // 32)
                maker.add(
                    "pack_filters",
                    f"{label}-{turned}",
                    dtype,
                    lambda rng, real, n=strips * taps * depth * 32, w=form[1], numbers=(
                        taps, channels, units, groups, turned
                    ): [np.ones(n, real), normal(rng, w, real), *numbers],
                    strips * taps,
                )  # fmt: skip
        for label, form in NARROW.items():
            maker.add("sum_taps", label, dtype, launched("sum_taps", form, to_input))
        for label, form in DEPTHWISE.items():
            for kernel, run, way in (
                ("depthwise", forward, "forward"),
                ("depthwise", summed, "summed"),
                ("depthwise", to_input, "input"),
                ("depthwise_kernel", to_kernel, "kernel"),
            ):
                maker.add(kernel, f"{label}-{way}", dtype, launched(kernel, form, run))

        for label, numbers in WINOGRAD.items():
            winograd(maker, label, dtype, numbers)


def winograd(maker, label, dtype, numbers):
    """Winograd's form: the two ways of the filters, outputs with all that follows, and the gradient to the filters."""
    samples, height, width, x_height, x_width, _, _, channels, units, tall, *dilations = numbers
    taps, positions = (9, 36) if tall else (3, 6)
    x, y = samples * x_height * x_width * channels, samples * height * width * units
    for turned in (0, 1):
        depth, columns = (units, channels) if turned else (channels, units)
        maker.add(
            "winograd_filters",
            f"{label}-{turned}",
            dtype,
            lambda rng, real, depth=depth, columns=columns, turned=turned: [
                np.ones(-(-columns // 32) * positions * depth * 32, real),
                normal(rng, (taps * channels * units,), real), channels, units, turned, tall,
            ],
            -(-columns // 32) * depth,
        )  # fmt: skip
    for gate in (0, 1, RESIDUAL):
        maker.add(
            "winograd",
            f"{label}-{dict(zip((0, 1, RESIDUAL), ('active', 'gated', 'summed'), strict=True))[gate]}",
            dtype,
            lambda rng, real, gate=gate: [
                normal(rng, (y,), real), normal(rng, (x,), real), normal(rng, (positions * channels * 32,), real),
                normal(rng, (units,), real), normal(rng, (y,), real), np.zeros(channels, real), None, None, *numbers,
                int(gate != 1), int(gate != 1), gate, 0, 0,
            ],
        )  # fmt: skip
    if label != "dilated":
        window = (1, 2 if tall else 1, 2)
        out = (1, -(-height // window[1]), -(-width // 2))
        pixels = (samples, 1, height, width, units)
        for keep in (0, 1):

            def made(rng, real, keep=keep):
                kept = np.zeros((samples, *out, units), np.uint16) if keep else None
                pool = Pooling(np.zeros((samples, *out, units), real), kept, pixels, window, window, (0, 0, 0), out)
                return [
                    pool.y, normal(rng, (x,), real), normal(rng, (positions * channels * 32,), real),
                    normal(rng, (units,), real), None, np.zeros(channels, real), *pool.arrays, *numbers, 1, 1, 0,
                    *pool.numbers,
                ]  # fmt: skip

            maker.add("winograd", f"{label}-pooled-{keep}", dtype, made)
    numbers = (*numbers[:8], 16, tall, *dilations)
    y = samples * height * width * 16
    for summed in (0, 1):
        maker.add(
            "winograd_kernel",
            f"{label}-{summed}",
            dtype,
            lambda rng, real, summed=summed: [
                normal(rng, (samples * taps * channels * 16,), real), normal(rng, (samples, 16), real),
                normal(rng, (x,), real) / 4, normal(rng, (y,), real), np.zeros(channels, real), *numbers, samples,
                summed,
            ],
        )  # fmt: skip


FAMILIES = [convolution]
