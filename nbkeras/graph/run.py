"""Eager calls: a primitive on arrays runs at once, through a plan of one node that is kept for the next such call."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from nbkeras import device
from nbkeras.graph import trace
from nbkeras.graph.dtypes import dtype_name
from nbkeras.graph.plan import Plan
from nbkeras.graph.primitives.table import TABLE

#: Plans of single primitives; the least recently used goes first, so that a long session does not grow.
_plans: OrderedDict = OrderedDict()
KEPT = 512


def forget() -> None:
    """Drop all kept plans."""
    _plans.clear()


def _key(value):
    if isinstance(value, (list, tuple)):
        return tuple(_key(v) for v in value)
    if isinstance(value, np.ndarray):
        return value.tobytes(), value.shape, value.dtype.str
    return value


def as_array(value):
    """A device array as it is; variables give their storage; anything else goes through NumPy to the device."""
    backend = device.backend()
    if hasattr(value, "assign"):
        return value.array
    if not isinstance(value, backend.array):
        value = np.asarray(value)
    if isinstance(value, backend.array):
        return value
    host = value
    target = backend.empty(host.shape, str(host.dtype))
    backend.from_host(target, host)
    return target


def eager(name: str, inputs, params):
    """Run one primitive on arrays; returns a new array, or a tuple of them."""
    arrays = [as_array(value) for value in inputs]
    key = (name, tuple((a.shape, dtype_name(a.dtype)) for a in arrays), tuple((k, _key(v)) for k, v in params.items()))
    plan = _plans.get(key)
    if plan is None:
        with trace.Graph() as graph:
            symbols = [graph.input(a.shape, dtype_name(a.dtype)) for a in arrays]
            graph.outputs = list(graph.add(TABLE[name], symbols, params).outputs)
        plan = _plans[key] = Plan(graph)
        if len(_plans) > KEPT:
            _plans.popitem(last=False)
    else:
        _plans.move_to_end(key)
    backend = plan.backend
    for buffer, array in zip(plan.inputs, arrays, strict=True):
        backend.from_host(buffer, array)
    plan.run()
    outputs = []
    for array in plan.outputs:
        target = backend.empty(array.shape, dtype_name(array.dtype))
        backend.from_host(target, array)
        outputs.append(target)
    return outputs[0] if len(outputs) == 1 else tuple(outputs)
