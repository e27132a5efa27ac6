"""Convolutions and pooling in ONNX, which has the channels behind the samples where nbkeras has them last."""

from __future__ import annotations

from nbkeras.export.batch import Rows
from nbkeras.export.rules.elementwise import activated
from nbkeras.export.rules.table import rule
from nbkeras.export.writer import Unsupported


def _first(rank: int) -> list[int]:
    """Axes that bring the channels, which are last, behind the samples."""
    return [0, rank - 1, *range(1, rank - 1)]


def _last(rank: int) -> list[int]:
    """Axes that bring them back."""
    return [0, *range(2, rank), 1]


def _lengths(*shapes):
    for shape in shapes:
        if any(isinstance(n, Rows) for n in shape):
            raise Unsupported("along the batch")
    return shapes


def _behind(lengths, out, stride, reach, before) -> list[int]:
    """Places outside the input, behind it, that the last window reads."""
    return [
        max(0, (o - 1) * s + r - n - b) for n, o, s, r, b in zip(lengths, out, stride, reach, before, strict=True)
    ]


def _reach(taps, dilation) -> list[int]:
    return [(k - 1) * d + 1 for k, d in zip(taps, dilation, strict=True)]


@rule("convolution")
def _convolution(w, step):
    x, kernel, *bias = step.inputs
    rank, p = len(x.shape), step.params
    lengths, taps, out = _lengths(x.shape[1:-1], kernel.shape[:-2], p["shape"])
    behind = _behind(lengths, out, p["stride"], _reach(taps, p["dilation"]), p["padding"])
    weights = w.transposed(kernel, [rank - 1, rank - 2, *range(rank - 2)])
    y = w.node(
        "Conv", w.transpose(w.name(x), _first(rank)), weights, *(w.name(b) for b in bias),
        strides=list(p["stride"]), dilations=list(p["dilation"]), pads=[*p["padding"], *behind], group=p["groups"],
    )  # fmt: skip
    return [activated(w, step, w.transpose(_cut(w, y, out, 2), _last(rank)))]


def _cut(w, name: str, lengths, start: int) -> str:
    """The first places along the axes from `start` on: windows that are not wanted may have fitted too."""
    axes = list(range(start, start + len(lengths)))
    return w.node("Slice", name, w.ints([0] * len(axes)), w.ints(lengths), w.ints(axes))


@rule("convolution_input")
def _convolution_input(w, step):
    dy, kernel = step.inputs
    rank, p = len(dy.shape), step.params
    taps, given, wanted = _lengths(kernel.shape[:-2], dy.shape[1:-1], p["shape"])
    weights = w.transposed(kernel, [rank - 1, rank - 2, *range(rank - 2)])
    # All that the windows reach is computed, then cut or padded to what is wanted.
    y = w.node(
        "ConvTranspose", w.transpose(w.name(dy), _first(rank)), weights,
        strides=list(p["stride"]), dilations=list(p["dilation"]), group=p["groups"],
    )  # fmt: skip
    reach = _reach(taps, p["dilation"])
    whole = [(o - 1) * s + r for o, s, r in zip(given, p["stride"], reach, strict=True)]
    axes = list(range(2, rank))
    ends = [b + n for b, n in zip(p["padding"], wanted, strict=True)]
    y = w.node("Slice", y, w.ints(p["padding"]), w.ints(ends), w.ints(axes))
    missing = [max(0, end - have) for end, have in zip(ends, whole, strict=True)]
    if any(missing):
        y = w.node("Pad", y, w.ints([0] * (rank + 2) + missing))
    return [w.transpose(y, _last(rank))]


def _pool(w, step, operator, **attributes):
    x, p = step.inputs[0], step.params
    (lengths,) = _lengths(x.shape[1:4])
    behind = _behind(lengths, p["out"], p["strides"], p["window"], p["before"])
    # Axes of one place, to which layers of fewer axes are brought, are left out: pooling along them is slow.
    used = [
        axis for axis in range(3)
        if (lengths[axis], p["window"][axis], p["out"][axis], p["before"][axis]) != (1, 1, 1, 0)
    ] or [2]  # fmt: skip
    name = w.reshape(w.name(x), [x.shape[0], *(lengths[axis] for axis in used), x.shape[4]])
    rank = len(used) + 2
    window, strides, before, after, out = (
        [numbers[axis] for axis in used] for numbers in (p["window"], p["strides"], p["before"], behind, p["out"])
    )
    y = w.node(
        operator, w.transpose(name, _first(rank)), kernel_shape=window, strides=strides, pads=[*before, *after],
        **attributes,
    )  # fmt: skip
    y = w.transpose(_cut(w, y, out, 2), _last(rank))
    return [w.reshape(y, [x.shape[0], *p["out"], x.shape[4]])]


@rule("max_pool")
def _max_pool(w, step):
    return _pool(w, step, "MaxPool")


@rule("average_pool")
def _average_pool(w, step):
    return _pool(w, step, "AveragePool", count_include_pad=0)
