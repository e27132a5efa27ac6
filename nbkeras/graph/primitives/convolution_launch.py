"""How a convolution is launched: axes folded to depth, height and width, the window as a table, the kernel's form.

| form | launched as |
|---|---|
| one tap, no stride, one group | a matrix product over pixels; for a small kernel `convolve_kernel` |
| as many groups as channels in and out | `depthwise`, `depthwise_kernel` |
| some filters for each channel | the same, of copies in which each channel meets one filter |
| 3 or 3 by 3 taps, no stride, if the kernel `pays` | `winograd_filters` and `winograd`; `winograd_kernel` |
| the gradient to an input of few channels (`NARROW`) | a matrix product, then `sum_taps` |
| all others | `pack_filters` and `convolve`; `convolve_kernel` |

A kernel that makes pixels pools them while they are in cache, where it says that it pays.

Taps along the width lie side by side in memory where nothing is padded there, so they are folded into the channels:
fewer, longer sums. For few channels it is worth copying the input into a padded one for that.
"""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np

from nbkeras.graph.primitives.linear import multiply
from nbkeras.graph.primitives.moving import copy, fill, strides_of
from nbkeras.graph.primitives.pooling import with_depth
from nbkeras.graph.primitives.reduction import reduce
from nbkeras.kernels.conv_depthwise import cuts_of
from nbkeras.kernels.conv_depthwise import parts_of as parts_of_depthwise
from nbkeras.kernels.conv_tile import PANEL
from nbkeras.kernels.conv_winograd_kernel import parts_of
from nbkeras.kernels.scalars import RESIDUAL

#: An input with at most so many channels is padded by a copy, so that taps can be folded. For a kernel's gradient of
#: few taps (FEW_TAPS) fewer channels are few: 3 by 3 taps of 3 or 4 channels take 0.55-1.0 times as long without.
FEW_CHANNELS = 4
FEW_TAPS = 9
FEW_CHANNELS_OF_FEW_TAPS = 2

#: An axis whose targets would be cut into more runs (a filter about as long as the axis) is left whole.
MOST_RUNS = 16

#: The gradient to an input is summed from what is sent through each tap if taps * channels² / units is at most this:
#: 1.1-7 times as fast as a register tile of which few columns are used; at 20 to 40 0.7-1.2 times. But not from 10
#: channels on (0.3-1.0 times), nor if few taps reach a pixel: with a stride of 2 a single tap takes 2 channels (of 8
#: 0.5-0.7 times as fast), 2 by 2 taps take 5.
NARROW = 16
MOST_NARROW = 8

#: A channel of its own for each filter costs a copy: up to so many filters of a channel forward, and in a gradient, it
#: is faster than a register tile of the few that they are.
MULTIPLIED_FORWARD = 7
MULTIPLIED_BACKWARD = 15

#: Multiply-adds of one part of a kernel's gradient, elements of all its parts, and parts at most.
PART_WORK = 2_000_000
PART_ELEMENTS = 1 << 20
MOST_PARTS = 16

#: A product over at least so many pixels for each number of the kernel is summed in parts too: 1.1-1.5 times as fast as
#: in tiles of the kernel, which read the pixels again for each. So is one of so many numbers of pixels that the second
#: cache does not hold them, for a kernel of few numbers and in several parts: 1.1-1.7 times.
LONG = 2
FAR = 500_000
MOST_FAR = 32_768
SEVERAL = 8


@dataclasses.dataclass
class Form:
    """A convolution with three spatial axes: shapes of input, kernel and output, and how the window moves."""

    x: tuple
    w: tuple
    y: tuple
    stride: tuple
    dilation: tuple
    padding: tuple
    groups: int

    def __post_init__(self):
        missing = 5 - len(self.x)
        ones, zeros = (1,) * missing, (0,) * missing
        self.x, self.y = with_depth(self.x), with_depth(self.y)
        self.w, self.stride = (*ones, *self.w), (*ones, *self.stride)
        self.dilation, self.padding = (*ones, *self.dilation), (*zeros, *self.padding)
        self.taps, self.channels, self.units = math.prod(self.w[:3]), self.w[3], self.w[4] // self.groups

    @property
    def is_product(self) -> bool:
        """Is it a matrix product over pixels?"""
        plain = self.taps == self.groups == 1 and self.stride == (1, 1, 1) and self.padding == (0, 0, 0)
        return plain and self.x[1:4] == self.y[1:4]

    @property
    def is_depthwise(self) -> bool:
        """Has each channel filters of its own, and one each?"""
        return self.channels == self.units == 1 and self.groups > 1

    def is_multiplied(self, most) -> bool:
        """Has each channel some filters of its own, at most so many?"""
        return self.channels == 1 and self.groups > 1 and 1 < self.units <= most

    def spread(self):
        """The same convolution of an input that has each channel once for each of its filters."""
        channels = self.groups * self.units
        return dataclasses.replace(self, x=(*self.x[:4], channels), w=(*self.w[:4], channels), groups=channels)

    def filters_in_depth(self):
        """The same gradient to an input without depth, of an output gradient that has the filters of a channel along
        its depth, last to first."""
        return dataclasses.replace(
            self,
            w=(self.units, *self.w[1:3], 1, self.groups),
            y=(self.y[0], self.units, *self.y[2:4], self.groups),
            padding=(self.units - 1, *self.padding[1:]),
        )

    @property
    def pixels(self) -> int:
        """Pixels of the output."""
        return math.prod(self.y[:4])

    @property
    def source_pixels(self) -> int:
        """Pixels of the input."""
        return math.prod(self.x[:4])

    def forward_axis(self, axis):
        """The phases of an axis: (first target, number of targets, [(tap, base)]).

        Targets that read through the same taps are a phase: those at an edge multiply no zeros.
        """
        taps = [(t, t * self.dilation[axis] - self.padding[axis]) for t in range(self.w[axis])]
        return [
            (first, last - first, [(t, base + first * self.stride[axis]) for t, base in chosen])
            for first, last, chosen in _runs(taps, self.y[1 + axis], self.stride[axis], self.x[1 + axis])
        ]

    def backward_axis(self, axis, whole=False):
        """The phases of an axis of the gradient to the input, which output (i + padding - tap) / stride reads at i.

        whole: a phase has all targets of one remainder and every tap that reaches such, even if from outside.
        """
        size, stride = self.x[1 + axis], self.stride[axis]
        phases = []
        for residue in range(min(size, stride)):
            reach = [(t, residue + self.padding[axis] - t * self.dilation[axis]) for t in range(self.w[axis])]
            taps = [(t, r // stride) for t, r in reach if r % stride == 0]
            count = -(-(size - residue) // stride)
            runs = [(0, count, taps)] if whole else _runs(taps, count, 1, self.y[1 + axis])
            phases += [
                (residue + first * stride, last - first, [(t, base + first) for t, base in chosen])
                for first, last, chosen in runs
            ]
        return phases

    def whole_axis(self, axis):
        """An axis as one phase with every tap in it, those too that read what is outside."""
        taps = [(t, t * self.dilation[axis] - self.padding[axis]) for t in range(self.w[axis])]
        return [(0, self.y[1 + axis], taps)]

    def padded(self):
        """The same convolution of a wider input that has all that is read in it."""
        needed = [
            (n - 1) * s + (k - 1) * d + 1
            for n, s, k, d in zip(self.y[1:4], self.stride, self.w[:3], self.dilation, strict=True)
        ]
        x = (self.x[0], *needed, self.x[4])
        return dataclasses.replace(self, x=x, padding=(0, 0, 0))

    @property
    def reads_outside(self) -> bool:
        """Does any tap read outside the input?"""
        whole = self.padded().x[1:4]
        return any(p != 0 or n > m for p, n, m in zip(self.padding, whole, self.x[1:4], strict=True))

    def folded(self):
        """Taps along the width as channels, if they lie side by side in the input; the steps of pixels stay."""
        width = self.w[2]
        inside = self.padding[2] == 0 and (self.y[3] - 1) * self.stride[2] + width <= self.x[3]
        if self.groups > 1 or self.dilation[2] != 1 or width == 1 or not inside:
            return self
        form = dataclasses.replace(self)
        form.w = (*self.w[:2], 1, width * self.channels, self.w[4])
        form.taps, form.channels = self.taps // width, width * self.channels
        return form


def _runs(taps, count, move, size):
    """Cut targets 0 .. count - 1 where the taps that read inside change: (first, last + 1, those taps)."""
    inside = [[0 <= base + i * move < size for _, base in taps] for i in range(count)]
    cuts = [0, *(i for i in range(1, count) if inside[i] != inside[i - 1]), count]
    if len(cuts) > MOST_RUNS:
        read = [any(row[k] for row in inside) for k in range(len(taps))]
        yield 0, count, [tap for tap, reads in zip(taps, read, strict=True) if reads]
        return
    for first, last in itertools.pairwise(cuts):
        if last > first:
            yield first, last, [tap for tap, reads in zip(taps, inside[first], strict=True) if reads]


def table(sources, targets, source_channels, target_channels, axes, move, spread):
    """The window as numbers: see kernels/conv_window.py.

    Args:
        sources, targets: sizes of what is read and written: (samples, depth, height, width).
        axes: for each spatial axis its phases: (first target, number of targets, [(tap, base)]) and the filter's size.
        move, spread: how far apart neighbours of a phase read and write.
    """
    read, written = ([s * channels for s in strides_of(sizes)] for sizes, channels in
                     ((sources, source_channels), (targets, target_channels)))  # fmt: skip
    inside = all(
        base >= 0 and base + (count - 1) * step < size
        for (phases, _), step, size in zip(axes, move, sources[1:], strict=True)
        for _, count, taps in phases
        for _, base in taps
    )
    header = [*sources[1:], *read, *move]
    header += [written[0], *(w * s for w, s in zip(written[1:], spread, strict=True))]
    phases, taps, pixel = [], [], 0
    sizes = [size for _, size in axes]
    ordered = sorted(itertools.product(*(p for p, _ in axes)), key=lambda parts: -math.prod(n for _, n, _ in parts))
    for parts in ordered:
        counts = [count for _, count, _ in parts]
        total = targets[0] * math.prod(counts)
        offset = sum(first * w for (first, _, _), w in zip(parts, written[1:], strict=True))
        chosen = list(itertools.product(*(part[2] for part in parts)))
        phases += [len(taps), len(chosen), *counts, offset, pixel, total]
        pixel += total
        for (tz, z), (ty, y), (tx, x) in chosen:
            taps.append((tz * sizes[1] * sizes[2] + ty * sizes[2] + tx, z, y, x))
    header += [len(phases) // 8, int(inside)]
    return np.array([*header, *phases, *(n for tap in taps for n in tap)], np.int64)


def _forward_table(form: Form, width: int = 1, whole: bool = False):
    """The table of a convolution.

    Args:
        width: so many taps along the width are folded into one.
        whole: all pixels are one phase, with every tap in it.
    """
    axes = [(form.whole_axis(axis) if whole else form.forward_axis(axis), form.w[axis]) for axis in range(3)]
    if width > 1:
        axes[2] = ([(0, form.y[3], [(0, 0)])], 1)
    if form.is_depthwise:
        axes = [_in_runs(*axis, stride) for axis, stride in zip(axes, form.stride, strict=True)]
    return table(form.x[:4], form.y[:4], form.x[4], form.y[4], axes, form.stride, (1, 1, 1))


def _in_runs(phases, size, move):
    """An axis whose taps stand in such an order that each reads what the one before reads for the next target."""
    order = lambda tap: (tap[1] % move, tap[1])  # noqa: E731
    return [(first, count, sorted(taps, key=order)) for first, count, taps in phases], size


def _backward_table(form: Form, channels: int, whole: bool = False):
    """The table of the gradient to the input, from an output gradient of so many channels; `whole` as an axis's."""
    axes = [(form.backward_axis(axis, whole), form.w[axis]) for axis in range(3)]
    if form.is_depthwise:
        axes = [_in_runs(*axis, 1) for axis in axes]
    return table(form.y[:4], form.x[:4], channels, form.x[4], axes, (1, 1, 1), form.stride)


def _pad(low, form: Form, x, few):
    """The input copied to a wider one, if taps can be folded then and its channels are `few`; with its form."""
    if form.channels > few or form.groups > 1 or not form.reads_outside:
        return form, x
    wide = form.padded()
    shape = wide.x
    target = low.temp(shape, x.dtype)
    fill(low, target, 0)
    strides, source = strides_of(shape), strides_of(form.x)
    first, start, sizes = 0, 0, []
    for axis in range(3):
        shift = form.padding[axis]
        begin, end = max(0, -shift), min(form.x[1 + axis], shape[1 + axis] - shift)
        first += (begin + shift) * strides[1 + axis]
        start += begin * source[1 + axis]
        sizes.append(max(0, end - begin))
    copy(low, target, x, (form.x[0], *sizes, form.x[4]), strides, source, first, start)
    return wide, target


def _packed(low, form: Form, w, turned: bool):
    columns, depth = (form.channels, form.units) if turned else (form.units, form.channels)
    strips = form.groups * -(-columns // PANEL)
    panels = low.temp((strips * form.taps * depth * PANEL,), w.dtype)
    numbers = [form.taps, form.channels, form.units, form.groups, int(turned)]
    low.launch("pack_filters", w.dtype, [panels, w, *numbers], items=strips * form.taps, cost=8.0 * depth)
    return panels


def forward(low, form: Form, y, x, w, bias, residual, activation, pool=None):
    """Launch y = activate(convolution of x + bias + residual), of which the last two may be None; y is pooled if a
    `Pooling` is given."""
    if y.size == 0:
        return
    numbers = _winograd(low, "winograd", form, x.dtype)
    if pool is not None and not _pools(low, form, pool, numbers):
        pixels = low.temp(form.y, x.dtype)
        forward(low, form, pixels, x, w, bias, residual, activation)
        pool.launch(low, pixels)
        return
    options = [int(bias is not None), activation, 0 if residual is None else RESIDUAL]
    if form.is_product:
        sizes = (1, form.pixels, form.units, form.channels)
        multiply(low, y, x, w, bias, residual, sizes, False, False, *options[1:])
        return
    if numbers:
        _launch_winograd(low, y, x, w, bias, residual, numbers, False, options, pool)
        return
    form, x = _spread(low, form, x, MULTIPLIED_FORWARD)
    if form.is_depthwise:
        numbers = _depthwise_numbers(form, form.y)
        low.launch("depthwise", x.dtype, [y, x, w, bias, residual, _forward_table(form), *numbers, *options])
        return
    form, x = _pad(low, form, x, FEW_CHANNELS)
    folded = form.folded()
    window = _forward_table(form, form.taps // max(1, folded.taps), whole=pool is not None)
    panels = _packed(low, folded, w, False)
    arrays, pooled = _pool_arguments(pool)
    numbers = [form.pixels, form.groups, folded.taps, folded.channels, form.units, *options, *pooled]
    zeros = np.zeros(max(folded.channels, form.x[4]), x.dtype)
    low.launch("convolve", x.dtype, [y, x, panels, bias, residual, zeros, window, *arrays, *numbers])


def _pools(low, form: Form, pool, winograd) -> bool:
    """Does it pay to pool what a convolution makes while it is in cache?"""
    if winograd:
        return pool.pays(low, "winograd", **winograd)
    plain = not (form.is_product or form.is_depthwise or form.is_multiplied(MULTIPLIED_FORWARD))
    return plain and pool.pays(low, "convolve")


def _pool_arguments(pool):
    """The arrays and the numbers that a kernel takes which can pool what it makes."""
    return (pool.arrays, pool.numbers) if pool is not None else ([None, None], [0, 0])


def _spread(low, form: Form, x, most):
    """The input with each channel once for each of its filters, if they are at most so many; with its form."""
    if not form.is_multiplied(most):
        return form, x
    wide = form.spread()
    target = low.temp(wide.x, x.dtype)
    sizes = (form.source_pixels, form.groups, form.units)
    copy(low, target, x, sizes, strides_of(sizes), (form.groups, 1, 0))
    return wide, target


def _deepen(low, form: Form, dy, w):
    """The output gradient with the filters of a channel along its depth, and the kernel in that order; with their form.

    Only if a channel has few, and the depth is free.
    """
    flat = form.w[0] == form.x[1] == form.y[1] == 1 and form.padding[0] == 0
    if not flat or not form.is_multiplied(MULTIPLIED_BACKWARD):
        return form, dy, w
    deep = form.filters_in_depth()
    channels, filters, area = form.groups, form.units, math.prod(form.y[2:4])
    apart, kernel = low.temp(deep.y, dy.dtype), low.temp(deep.w, w.dtype)
    sizes = (form.y[0], filters, area, channels)
    copy(low, apart, dy, sizes, strides_of(sizes), (area * channels * filters, 1, channels * filters, filters))
    sizes = (filters, form.taps, channels)
    copy(low, kernel, w, sizes, strides_of(sizes), (-1, channels * filters, filters), source_start=filters - 1)
    return deep, apart, kernel


def _depthwise_numbers(form: Form, target):
    """Pixels of what is written, taps, channels, samples, and into how many parts the rows of a sample are cut."""
    pixels, samples, rows = math.prod(target[:4]), target[0], target[1] * target[2]
    return [pixels, form.taps, form.groups, samples, cuts_of(samples, rows, pixels, form.taps, form.groups)]


def _winograd(low, kernel, form: Form, dtype, turned: bool = False):
    """The numbers of a kernel in Winograd's form, if it fits and the device says that it pays; else None."""
    tall = form.w[1] == 3
    plain = form.stride == (1, 1, 1) and form.groups == 1
    if dtype != "float32" or not plain or form.w[0] != 1 or form.padding[0] or form.x[1] != form.y[1] or form.w[2] != 3:
        return None
    if not tall and (form.w[1] != 1 or form.padding[1] or form.x[2] != form.y[2]):
        return None
    source, target = (form.y, form.x) if turned else (form.x, form.y)
    reach = [(k - 1) * d for k, d in zip(form.w[1:3], form.dilation[1:], strict=True)]
    above, left = (r - p if turned else p for r, p in zip(reach, form.padding[1:], strict=True))
    numbers = {
        "samples": form.x[0] * form.x[1],
        "height": target[2],
        "width": target[3],
        "x_height": source[2],
        "x_width": source[3],
        "above": above,
        "left": left,
        "channels": form.units if turned else form.channels,
        "units": form.channels if turned else form.units,
        "tall": int(tall),
        "dilation_y": form.dilation[1] if tall else 1,
        "dilation_x": form.dilation[2],
    }
    return numbers if low.pays(kernel, **numbers) else None


def _launch_winograd(low, y, x, w, bias, gate, numbers, turned, options, pool=None):
    depth, columns, positions = numbers["channels"], numbers["units"], 36 if numbers["tall"] else 6
    strips = -(-columns // PANEL)
    panels = low.temp((strips * positions * depth * PANEL,), w.dtype)
    arguments = [panels, w, *((columns, depth) if turned else (depth, columns)), int(turned), numbers["tall"]]
    low.launch("winograd_filters", w.dtype, arguments, items=strips * depth, cost=150.0)
    zeros = np.zeros(depth, x.dtype)
    arrays, pooled = _pool_arguments(pool)
    low.launch("winograd", x.dtype, [y, x, panels, bias, gate, zeros, *arrays, *numbers.values(), *options, *pooled])


def to_input(low, form: Form, dx, dy, w, gate, gate_code):
    """Launch dx = gradient of the convolution to its input, times the slope of the gate."""
    options = [0, 0, gate_code]
    if dx.size == 0:
        return
    if form.is_product:
        sizes = (1, form.pixels, form.channels, form.units)
        multiply(low, dx, dy, w, None, gate, sizes, False, True, gate_code=gate_code)
        return
    form, dy, w = _deepen(low, form, dy, w)
    window = _backward_table(form, form.y[4])
    if form.is_depthwise:
        numbers = _depthwise_numbers(form, form.x)
        low.launch("depthwise", dy.dtype, [dx, dy, w, None, gate, window, *numbers, *options])
        return
    numbers = _winograd(low, "winograd", form, dy.dtype, turned=True)
    if numbers:
        _launch_winograd(low, dx, dy, w, None, gate, numbers, True, options)
        return
    if _is_narrow(form):
        _to_few_channels(low, form, dx, dy, w, gate, gate_code)
        return
    panels = _packed(low, form, w, True)
    arrays, pooled = _pool_arguments(None)
    numbers = [form.source_pixels, form.groups, form.taps, form.units, form.channels, *options, *pooled]
    zeros = np.zeros(form.y[4], dy.dtype)
    low.launch("convolve", dy.dtype, [dx, dy, panels, None, gate, zeros, window, *arrays, *numbers])


def _is_narrow(form: Form) -> bool:
    """Is the gradient to the input faster from what is sent through each tap?"""
    reach = form.taps / math.prod(form.stride)
    few = form.groups == 1 and form.channels <= min(MOST_NARROW, 2 + 3 * reach)
    return few and form.taps * form.channels**2 <= NARROW * form.units


def _to_few_channels(low, form: Form, dx, dy, w, gate, gate_code):
    """Launch the gradient to an input of few channels, of which a register tile would use few columns.

    A product gives what each pixel of dy sends through each tap; a pixel of dx sums what reaches it.
    """
    rows = form.taps * form.channels
    sent = low.temp((rows, form.pixels), dy.dtype)
    multiply(low, sent, w, dy, None, None, (1, rows, form.pixels, form.units), False, True)
    window = _backward_table(form, 1, whole=True)
    numbers = [form.source_pixels, form.taps, form.channels, form.pixels]
    low.launch("sum_taps", dy.dtype, [dx, sent, gate, window, *numbers, gate_code])


def to_kernel(low, form: Form, dw, db, x, dy, spread=None):
    """Launch dw = gradient of the convolution to its kernel, and db = that to its bias, which may be None.

    spread: the `Pooling` to whose pooled pixels dy is the gradient; else None.
    """
    form, x = _spread(low, form, x, MULTIPLIED_BACKWARD)
    product = form.is_product and not _is_long(form)
    numbers = None if product or form.is_depthwise else _winograd(low, "winograd_kernel", form, x.dtype)
    direct = not (product or form.is_depthwise or numbers)
    if spread is not None and not (direct and spread.pays(low, "convolve_kernel")):
        dy, spread = spread.launch_gradient(low, dy), None
    if db is not None and not (direct or numbers):
        reduce(low, db, dy, range(len(dy.shape) - 1), "sum")
    if product:
        multiply(low, dw, x, dy, None, None, (1, form.channels, form.units, form.pixels), True, False)
        return
    if form.is_depthwise:
        numbers = _depthwise_numbers(form, form.y)
        parts = parts_of_depthwise(*numbers)
        target = _parted(low, dw, parts)
        low.launch("depthwise_kernel", dw.dtype, [target, x, dy, _forward_table(form), *numbers, parts])
        _combine(low, dw, target, parts)
        return
    if numbers:
        parts = parts_of(**numbers)
        targets = [_parted(low, dw, parts), _parted(low, db, parts)]
        zeros = np.zeros(max(form.channels, form.units), x.dtype)
        summed = int(db is not None)
        low.launch("winograd_kernel", x.dtype, [*targets, x, dy, zeros, *numbers.values(), parts, summed])
    else:
        form, x = _pad(low, form, x, FEW_CHANNELS_OF_FEW_TAPS if form.taps <= FEW_TAPS else FEW_CHANNELS)
        folded = form.folded()
        window = _forward_table(form, form.taps // max(1, folded.taps), whole=True)
        parts = _parts(folded)
        targets = [_parted(low, dw, parts), _parted(low, db, parts)]
        blocks = max(1, min(folded.taps, -(-SEVERAL // (parts * folded.groups))))
        tap_block = -(-folded.taps // blocks)
        places, shape = spread.arrays if spread is not None else (None, None)
        numbers = [folded.pixels, folded.groups, folded.taps, folded.channels, folded.units, parts, tap_block]
        numbers += [int(db is not None), spread.rows if spread is not None else 0]
        low.launch("convolve_kernel", x.dtype, [*targets, x, dy, places, window, shape, *numbers])
    _combine(low, dw, targets[0], parts)
    _combine(low, db, targets[1], parts)


def _parted(low, target, parts):
    """Where the parts of a gradient are left."""
    return target if parts == 1 or target is None else low.temp((parts * target.size,), target.dtype)


def _is_long(form: Form) -> bool:
    """Is the gradient to the kernel of a matrix product faster in parts of the pixels than in tiles of the kernel?"""
    size = form.channels * form.units
    far = form.pixels * (form.channels + form.units) >= FAR and size <= MOST_FAR and _parts(form) >= SEVERAL
    return far or form.pixels >= LONG * size


def _parts(form: Form) -> int:
    """Parts that the pixels of a kernel's gradient are cut into: a function of the shape alone."""
    size = form.taps * form.channels * form.units * form.groups
    parts = min(MOST_PARTS, form.pixels * size // PART_WORK, PART_ELEMENTS // max(1, size), form.pixels // 256)
    return max(1, parts)


def _combine(low, target, partial, parts):
    """Add up the parts, in order."""
    if parts > 1 and target is not None:
        low.launch("reduce", target.dtype, [target, partial, 1, parts, parts, target.size, 0])
