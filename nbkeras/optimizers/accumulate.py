"""Gradient accumulation: the gradients of several steps are summed, and the last of them updates with their mean."""

from __future__ import annotations

import contextlib

import numpy as np

from nbkeras.graph.primitives import emit, lift
from nbkeras.optimizers.sections import Section, neighbours


@contextlib.contextmanager
def updates(optimizer, flats, sections):
    """Around an update: gives the gradients to update with; what is updated before it is due is taken back.

    Every step computes the update, as in Keras on JAX: a program has no branches.

    Args:
        flats: the step's own gradients, one flat symbol a section.
    """
    steps = optimizer.gradient_accumulation_steps
    if not steps:
        yield flats
        return
    due = _is_due(optimizer)
    stores = [
        Section([optimizer._accumulated_gradients[optimizer._get_variable_index(v)] for v in s.variables])
        for s in sections
    ]
    sums = [emit("add", store.read(), g) for store, g in zip(stores, flats, strict=True)]
    means = [emit("divide", g, np.asarray(steps, g.dtype)) for g in sums]
    counters = (optimizer._iterations, *optimizer._accumulated_gradients, *optimizer._model_variables_moving_average)
    with only_if(due, places(optimizer, sections, counters)):
        yield [emit("where", due, mean, g) for mean, g in zip(means, flats, strict=True)]
    for store, total in zip(stores, sums, strict=True):
        store.write(emit("where", due, np.zeros((), total.dtype), total))


def _is_due(optimizer):
    """Whether this step is the last of its round, and updates."""
    steps = np.int64(optimizer.gradient_accumulation_steps)
    return emit("equal", emit("mod", emit("add", lift(optimizer._iterations), np.int64(1)), steps), np.int64(0))


def where_due(optimizer, new, old):
    """The new value in a step that updates, else the old one."""
    return emit("where", _is_due(optimizer), new, old) if optimizer.gradient_accumulation_steps else new


@contextlib.contextmanager
def only_if(condition, places):
    """What is changed inside keeps its old value where the condition, one boolean, does not hold.

    Args:
        places: what to look at, from `places`.
    """
    before = [(place, place.read()) for place in places]
    yield
    for place, old in before:
        new = place.read()
        if new is not old:
            place.write(emit("where", condition, new, old))


class _Single:
    """A variable that lies in no arena, with a section's interface."""

    def __init__(self, variable):
        self.variable = variable

    def read(self):
        return lift(self.variable)

    def write(self, value):
        self.variable.assign(value)


def places(optimizer, sections, but=()):
    """All that an update changes: the weights and the optimizer's state, but for some variables."""
    apart = {id(v) for v in but}
    state = [v for v in optimizer.variables if id(v) not in apart]
    lodged = [v for v in state if v.arena is not None]
    return [
        *sections,
        *(Section([lodged[i] for i in group]) for group in neighbours(lodged)),
        *(_Single(v) for v in state if v.arena is None),
    ]
