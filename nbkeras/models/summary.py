"""`summary()`: a model as a table."""

from __future__ import annotations

import io
import shutil

import numpy as np

from nbkeras import tree
from nbkeras.errors import StateError


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
        table.add_column("Trainable", ratio=1, justify="center")
    for layer, depth in _rows(model.layers, expand_nested, layer_range):
        cells = [f"{'  ' * depth}{layer.name} ({type(layer).__name__})", _shape(layer), _count(layer)]
        if connected:
            cells.append(_sources(layer))
        if show_trainable:
            cells.append("Y" if layer.trainable else "N")
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


def _rows(layers, expand_nested, layer_range, depth=0):
    names = [layer.name for layer in layers]
    if layer_range is not None:
        first, last = names.index(layer_range[0]), names.index(layer_range[1])
        layers = layers[first : last + 1]
    for layer in layers:
        yield layer, depth
        if expand_nested and getattr(layer, "layers", None):
            yield from _rows(layer.layers, True, None, depth + 1)


def _is_chain(model) -> bool:
    """True if the table needs no column of connections."""
    network = getattr(model, "_untracked_network", None)
    if network is None:
        return True
    return all(len(call.inputs) == 1 for call in network.calls) and len(network.inputs) == len(network.outputs) == 1


def _shape(layer) -> str:
    try:
        shapes = tree.map_structure(lambda t: str(tuple(t.shape)), layer.output)
    except (StateError, AttributeError):
        return "?"
    return ", ".join(tree.flatten(shapes))


def _count(layer) -> str:
    return f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"


def _sources(layer) -> str:
    calls = layer._untracked_calls
    if not calls:
        return "-"
    sources = []
    for tensor in calls[0].inputs:
        if tensor.history is not None:
            call, index = tensor.history
            sources.append(f"{call.operation.name}[{index}]")
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
