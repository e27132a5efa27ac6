"""Primitives that move values, in ONNX."""

from __future__ import annotations

import numpy as np

from nbkeras.export.batch import Rows
from nbkeras.export.rules.table import rule
from nbkeras.export.writer import END, Unsupported


@rule("reshape")
def _reshape(w, step):
    return [w.reshape(w.name(step.inputs[0]), step.outputs[0].shape)]


@rule("transpose")
def _transpose(w, step):
    return [w.transposed(step.inputs[0], step.params["axes"])]


@rule("take")
def _take(w, step):
    starts, ends, steps, axes = [], [], [], []
    lengths, out = step.inputs[0].shape, step.outputs[0].shape
    for axis, (start, by, n, whole) in enumerate(
        zip(step.params["start"], step.params["step"], out, lengths, strict=True)
    ):
        if (start, by) == (0, 1) and n == whole:
            continue
        if isinstance(by, Rows):
            raise Unsupported("with a step that grows with the batch")
        by = by or 1
        end = start + by * n
        # Backwards down to the first element there is no place before it to name.
        starts.append(start)
        ends.append(-END if by < 0 and _is_below_zero(end) else end)
        steps.append(by)
        axes.append(axis)
    if not axes:
        return [w.name(step.inputs[0])]
    return [w.node("Slice", w.name(step.inputs[0]), *(w.ints(numbers) for numbers in (starts, ends, axes, steps)))]


def _is_below_zero(number) -> bool:
    return not isinstance(number, Rows) and number < 0


@rule("place")
def _place(w, step):
    x, shape, starts = step.inputs[0], step.outputs[0].shape, step.params["start"]
    if any(by != 1 and n != 1 for by, n in zip(step.params["step"], x.shape, strict=True)):
        raise Unsupported("with gaps between the values")
    ends = [n - (start + length) for n, start, length in zip(shape, starts, x.shape, strict=True)]
    name, dtype = w.name(x), x.dtype
    if dtype not in ("float32", "float64", "int32", "int64"):
        name, dtype = w.cast(name, "int32"), "int32"
    padded = w.node("Pad", name, w.ints([*starts, *ends]), w.number(step.params["value"], dtype))
    return [padded if dtype == x.dtype else w.cast(padded, x.dtype)]


@rule("concatenate")
def _concatenate(w, step):
    return [w.node("Concat", *(w.name(value) for value in step.inputs), axis=step.params["axis"])]


@rule("gather")
def _gather(w, step):
    x, index = step.inputs
    axis = step.params["axis"]
    size = x.shape[axis]
    if index.known and not isinstance(size, Rows):
        places = index.array.astype(np.int64)
        places = w.constant(np.clip(np.where(places < 0, places + size, places), 0, size - 1))
    else:
        # Numbers outside are brought to the nearest place, as the kernel does.
        places, zero = w.cast(w.name(index), "int64"), w.number(0, "int64")
        end = w.node("Squeeze", w.ints([size]))
        places = w.node("Where", w.node("Less", places, zero), w.node("Add", places, end), places)
        places = w.node("Max", w.node("Min", places, w.node("Sub", end, w.number(1, "int64"))), zero)
    return [w.node("Gather", w.name(x), places, axis=axis)]


@rule("sort")
def _sort(w, step):
    x = step.inputs[0]
    if x.dtype not in ("float32", "float64", "int32", "int64"):
        raise Unsupported(f"of {x.dtype}")
    size = w.ints([x.shape[-1]])
    return w.node("TopK", w.name(x), size, outputs=2, axis=-1, largest=int(step.params["descending"]), sorted=1)
