"""`summary()`: a model as a table."""

from __future__ import annotations

import io
import shutil
from typing import NamedTuple

import numpy as np

from nbkeras import tree
from nbkeras.errors import ArgumentError, nearest
from nbkeras.layers.input_layer import InputLayer
from nbkeras.layers.layer import Layer


def print_summary(model, line_length=None, print_fn=None, expand_nested=False, show_trainable=False, layer_range=None):
    """Print the table of a model's layers.

    Args:
        model: a model; unbuilt layers show `?`.
        line_length: the table's width, the terminal's (at most 100) by default.
        print_fn: gets the text instead of standard output.
        expand_nested: list the layers of models inside.
        show_trainable: a column that says so.
        layer_range: names of the first and last layer to show.
    """
    width = line_length or min(100, max(60, shutil.get_terminal_size((88, 24)).columns))
    text = render(model, width, expand_nested, show_trainable, layer_range)
    if print_fn is None:
        print(text)
    else:
        print_fn(text)


def render(model, width, expand_nested=False, show_trainable=False, layer_range=None) -> str:
    """The table as text."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=False, highlight=False, emoji=False, markup=False)
    table = Table(box=box.HEAVY_HEAD, width=width, show_lines=True)
    connected = not _is_chain(model)
    table.add_column("Layer (type)", ratio=5, overflow="fold")
    table.add_column("Output Shape", ratio=4, overflow="fold")
    table.add_column("Param #", ratio=2, justify="right", overflow="fold")
    if connected:
        table.add_column("Connected to", ratio=4, overflow="fold")
    if show_trainable:
        table.add_column("Trains", width=6, justify="center")
    for row in _rows(model, expand_nested, layer_range):
        cells = [f"{'  ' * row.depth}{row.name} ({row.kind})", row.shape, row.count]
        if connected:
            cells.append(row.sources)
        if show_trainable:
            cells.append(row.trains)
        table.add_row(*cells)
    console.print(f'Model: "{model.name}"')
    console.print(table)
    total, trainable = _size(model.weights), _size(model.trainable_weights)
    fixed = (total[0] - trainable[0], total[1] - trainable[1])
    for label, size in (("Total", total), ("Trainable", trainable), ("Non-trainable", fixed)):
        console.print(f" {label} params: {size[0]:,} ({_bytes(size[1])})")
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and getattr(optimizer, "built", False):
        size = _size(optimizer.variables)
        console.print(f" Optimizer params: {size[0]:,} ({_bytes(size[1])})")
    return out.getvalue().rstrip("\n")


class _Row(NamedTuple):
    """A line of the table."""

    name: str
    kind: str
    depth: int
    shape: str
    count: str
    sources: str
    trains: str


def _rows(model, expand_nested, layer_range=None, depth=0):
    network = _network(model)
    listed = network.operations if network is not None else model.layers
    if getattr(model, "_untracked_functional", None) is not None:
        # A Sequential does not list its input.
        listed = [operation for operation in listed if not isinstance(operation, InputLayer)]
    if layer_range is not None:
        first, last = (_index(listed, name, model) for name in layer_range)
        listed = listed[first : last + 1]
    for operation in listed:
        yield _row(operation, network, depth)
        if expand_nested and getattr(operation, "layers", None):
            yield from _rows(operation, True, None, depth + 1)


def _row(operation, network, depth) -> _Row:
    calls = _calls(operation, network)
    if not isinstance(operation, Layer):
        return _Row(operation.name, "Operation", depth, _shape_of(calls), "0", _sources(calls, network), "-")
    shape = _shape_of(calls) if calls else _shape_of(operation._untracked_calls)
    count = f"{operation.count_params():,}" if operation.built else "0 (unbuilt)"
    trains = "-" if not operation.weights else "Y" if operation.trainable else "N"
    return _Row(operation.name, type(operation).__name__, depth, shape, count, _sources(calls, network), trains)


def _network(model):
    """The graph behind a model, or None."""
    inner = getattr(model, "_untracked_functional", None) or model
    return getattr(inner, "_untracked_network", None)


def _index(listed, name, model) -> int:
    names = [operation.name for operation in listed]
    if name not in names:
        raise ArgumentError(f"summary: model {model.name!r} has no layer {name!r}; {nearest(str(name), names)}")
    return names.index(name)


def _is_chain(model) -> bool:
    """True if the table needs no column of connections."""
    network = _network(model)
    if network is None:
        return True
    once = len({id(call.operation) for call in network.calls}) == len(network.calls)
    single = all(len(call.inputs) == 1 for call in network.calls)
    return once and single and len(network.inputs) == len(network.outputs) == 1


def _calls(operation, network) -> list:
    """The calls of an operation in a model."""
    return [] if network is None else [call for call in network.calls if call.operation is operation]


def _shape_of(calls) -> str:
    if not calls:
        return "?"
    shapes = [str(tuple(t.shape)) for t in tree.flatten(calls[0].outputs) if hasattr(t, "shape")]
    return ", ".join(shapes)


def _sources(calls, network) -> str:
    """Where the inputs come from; if there is a choice, with Keras's two numbers: which call, which output."""
    sources = []
    for call in calls:
        for tensor in call.inputs:
            if tensor.history is None:
                continue
            maker, index = tensor.history
            made = _calls(maker.operation, network)
            number = next((i for i, one in enumerate(made) if one is maker), 0)
            several = len(made) > 1 or len(tree.flatten(maker.outputs)) > 1
            sources.append(f"{maker.operation.name}[{number}][{index}]" if several else maker.operation.name)
    return ", ".join(sources) or "-"


def _size(variables):
    counts = [int(np.prod(v.shape)) for v in variables]
    widths = [np.dtype(v.dtype).itemsize for v in variables]
    return sum(counts), sum(c * w for c, w in zip(counts, widths, strict=True))


def _bytes(n: int) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if n < 1024 or unit == "GB":
            return f"{n:.2f} {unit}"
        n /= 1024
    return f"{n:.2f} GB"
