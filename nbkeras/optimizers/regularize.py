"""What every optimizer can do besides its rule: clipping, weight decay, moving averages, a launch a section each."""

from __future__ import annotations

import numpy as np

from nbkeras.graph.primitives import cast, emit
from nbkeras.optimizers.sections import Section, neighbours


def gradients(optimizer, grads, sections):
    """Flat gradients, one a section, unscaled.

    Args:
        grads: for each section a list of gradients.
    """
    flats = [
        section.pack([cast(g, section.dtype) for g in part]) for part, section in zip(grads, sections, strict=True)
    ]
    if optimizer.loss_scale_factor is not None:
        flats = [emit("divide", g, np.asarray(optimizer.loss_scale_factor, g.dtype)) for g in flats]
    return flats


def clip(optimizer, flats, sections):
    """Flat gradients, clipped in the optimizer's way."""
    if optimizer.clipnorm:
        return [_clip_each(g, s, optimizer.clipnorm) for g, s in zip(flats, sections, strict=True)]
    if optimizer.global_clipnorm:
        return _clip_together(flats, sections, optimizer.global_clipnorm)
    if optimizer.clipvalue:
        return [emit("clip_values", g, limit=float(optimizer.clipvalue)) for g in flats]
    return flats


def _clip_each(flat, section, limit):
    bounds = section.segments
    norms = emit("segment_norms", flat, offsets=bounds)
    return emit("clip_segments", flat, norms, offsets=bounds, limit=float(limit))


def _clip_together(flats, sections, limit):
    """Clip by the norm over all sections. Gaps don't count: a NaN that once came there must not stay for ever."""
    norms = []
    for flat, section in zip(flats, sections, strict=True):
        both = emit("segment_norms", flat, offsets=section.segments)
        norms.append(emit("take", both, start=(0,), step=(2,), shape=(len(section.variables),)))
    clipped = []
    for flat in flats:
        together = [cast(n, flat.dtype) for n in norms]
        every = together[0] if len(together) == 1 else emit("concatenate", *together, axis=0)
        clipped.append(emit("clip_global", flat, every, s=every.size, limit=float(limit)))
    return clipped


def decay(optimizer, sections, rate) -> None:
    """Take weight decay * learning_rate * weight off each weight that is not excluded."""
    for section in sections:
        rates = [
            (optimizer.weight_decay_of(v) or 0) if optimizer._use_weight_decay(v) else 0 for v in section.variables
        ]
        for value in sorted({r for r in rates if r}):
            section.write(
                emit(
                    "decay_segments",
                    section.read(),
                    cast(rate, section.dtype),
                    rate=float(value),
                    offsets=(*section.offsets, section.size),
                    mask=tuple(int(r == value) for r in rates),
                )
            )


def average(optimizer) -> None:
    """Move the averages towards the weights; at the first step they become the weights. Then overwrite, if due."""
    pairs = [
        (v, a)
        for v, a in zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True)
        if a is not None
    ]
    step = optimizer.iterations
    for group in neighbours([v for v, _ in pairs]):
        weights, averages = (Section([pairs[i][k] for i in group]) for k in (0, 1))
        momentum = float(optimizer.ema_momentum)
        flat = emit("average_from_first", averages.read(), weights.read(), step, momentum=momentum)
        averages.write(flat)
        every = optimizer.ema_overwrite_frequency
        if every:
            due = emit("equal", emit("mod", emit("add", step, np.int64(1)), np.int64(every)), np.int64(0))
            weights.write(emit("where", due, flat, weights.read()))
