"""A model as a picture of its layers, by Graphviz."""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape
from typing import Any

from nbkeras.errors import ArgumentTypeError, StateError
from nbkeras.extras import ExtraMissing, need
from nbkeras.utils.topology import Node, nodes_of


@dataclass(frozen=True)
class _Shown:
    """What a box says of its layer."""

    shapes: bool
    dtype: bool
    names: bool
    activations: bool
    trainable: bool


def model_to_dot(
    model,
    show_shapes=False,
    show_dtype=False,
    show_layer_names=True,
    rankdir="TB",
    expand_nested=False,
    dpi=200,
    subgraph=False,
    show_layer_activations=False,
    show_trainable=False,
    splines="ortho",
    **kwargs,
):
    """A model's layers as a graph for Graphviz.

    Args:
        model: a built model.
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable: what boxes say beside the
            layer's class.
        rankdir: `"TB"` draws from top to bottom, `"LR"` from left to right.
        expand_nested: whether models inside are drawn with their layers, in a frame.
        dpi: dots per inch.
        subgraph: whether the result is a frame for another graph.
        splines: how links are drawn: `"ortho"`, `"curved"`, `"polyline"`, `"spline"` or `"line"`.

    Returns:
        A `pydot.Dot`, or a `pydot.Cluster` with `subgraph`. A subclassed model is one box.

    Raises:
        StateError: the model is not built; ExtraMissing: pydot is not installed.

    Example:
        >>> import nbkeras as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3), keras.layers.Dense(1)])
        >>> graph = model_to_dot(model, rankdir="LR")
        >>> graph.get_rankdir(), len(graph.get_edges())
        ('LR', 1)

    Source: arguments are those of `keras.utils.model_to_dot`.
    """
    _check(model, kwargs, "model_to_dot")
    pydot = need("pydot", "model_to_dot")
    shown = _Shown(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)
    if subgraph:
        dot = pydot.Cluster(style="dashed", graph_name=model.name, label=model.name, labeljust="l")
    else:
        dot = pydot.Dot(rankdir=rankdir, concentrate=True, dpi=dpi, splines=splines)
        dot.set_node_defaults(shape="record")
    _draw(dot, pydot, model, shown, expand_nested)
    return dot


def plot_model(
    model,
    to_file="model.png",
    show_shapes=False,
    show_dtype=False,
    show_layer_names=False,
    rankdir="TB",
    expand_nested=False,
    dpi=200,
    show_layer_activations=False,
    show_trainable=False,
    splines="ortho",
    **kwargs,
):
    """Draw a model's layers and write the picture to a file.

    Args:
        model: a built model.
        to_file: the file; its ending names the format, PNG without one.
        show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, show_layer_activations, show_trainable,
            splines: as in `model_to_dot`.

    Returns:
        An image for a notebook, where IPython is installed; else None.

    Raises:
        StateError: the model is not built; ExtraMissing: pydot or Graphviz's program `dot` is not installed.

    Source: arguments are those of `keras.utils.plot_model`.
    """
    _check(model, kwargs, "plot_model")
    pydot = need("pydot", "plot_model")
    dot = model_to_dot(
        model,
        show_shapes=show_shapes,
        show_dtype=show_dtype,
        show_layer_names=show_layer_names,
        rankdir=rankdir,
        expand_nested=expand_nested,
        dpi=dpi,
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
        splines=splines,
    )
    to_file = os.fspath(to_file)
    kind = os.path.splitext(to_file)[1][1:] or "png"
    to_file = to_file if os.path.splitext(to_file)[1] else f"{to_file}.png"
    try:
        pydot.call_graphviz("dot", ["-V"], os.getcwd())
    except OSError as error:
        raise ExtraMissing(
            "plot_model: expected Graphviz's program `dot`, but it cannot be run.",
            next="install Graphviz (apt install graphviz, conda install graphviz), or write the graph with "
            "model_to_dot(model).write('model.dot').",
        ) from error
    dot.write(to_file, format=kind)
    try:
        from IPython import display
    except ImportError:
        return None
    return None if kind == "pdf" else display.Image(filename=to_file)


def _check(model: Any, kwargs: dict, who: str) -> None:
    if kwargs:
        raise ArgumentTypeError(f"{who}: unknown argument {next(iter(kwargs))!r}.")
    if not getattr(model, "built", False):
        raise StateError(
            f"{who}: model {getattr(model, 'name', model)!r} is not built.",
            next="give it an Input, or call it on data first.",
        )


def _is_nested(operation: Any) -> bool:
    return bool(getattr(operation, "layers", None)) and getattr(operation, "built", False)


def _draw(dot, pydot, model, shown: _Shown, expand: bool) -> None:
    nodes = nodes_of(model)
    if not any(node.outputs for node in nodes):
        # No graph of calls, such as a subclass of Model: the model is one box.
        nodes = [Node(model)]
    if type(model).__name__ == "Sequential":
        # A Sequential does not show its input, as it does not list it.
        nodes = [node for node in nodes if node.kind != "InputLayer"]
    drawn = {id(node.operation) for node in nodes}
    for node in nodes:
        if expand and _is_nested(node.operation) and node.operation is not model:
            frame = pydot.Cluster(style="dashed", graph_name=node.name, label=node.name, labeljust="l")
            _draw(frame, pydot, node.operation, shown, expand)
            dot.add_subgraph(frame)
        else:
            dot.add_node(
                pydot.Node(str(id(node.operation)), label=_label(node, shown), fontname="Helvetica", margin="0")
            )
    for node in nodes:
        for source in node.sources:
            if id(source.operation) in drawn:
                dot.add_edge(pydot.Edge(_end(source, expand, -1), _end(node, expand, 0)))


def _end(node: Node, expand: bool, place: int) -> str:
    """The box at which a link ends: of a model drawn with its layers, the first or last of these."""
    operation = node.operation
    while expand and _is_nested(operation):
        inner = nodes_of(operation)
        if type(operation).__name__ == "Sequential":
            inner = [part for part in inner if part.kind != "InputLayer"]
        if not inner:
            break
        operation = inner[place].operation
    return str(id(operation))


def _label(node: Node, shown: _Shown) -> str:
    """An HTML-like table: a black title, and below it what was asked for."""
    title = f"<b>{escape(node.name)}</b> ({node.kind})" if shown.names else f"<b>{node.kind}</b>"
    cells = []
    if shown.shapes:
        if node.kind != "InputLayer":
            cells.append(f"Input shape: <b>{_listing(tensor.shape for tensor in node.inputs)}</b>")
        cells.append(f"Output shape: <b>{_listing(tensor.shape for tensor in node.outputs)}</b>")
    if shown.dtype:
        cells.append(f"Output dtype: <b>{_listing(tensor.dtype for tensor in node.outputs)}</b>")
    cells = [f'<td bgcolor="white"><font point-size="14">{cell}</font></td>' for cell in cells]
    if shown.trainable and getattr(node.operation, "weights", None):
        colour, word = ("forestgreen", "Trainable") if node.operation.trainable else ("firebrick", "Non-trainable")
        cells.append(f'<td bgcolor="{colour}"><font point-size="14" color="white"><b>{word}</b></font></td>')
    span = f'colspan="{max(1, len(cells))}"'
    rows = [f'<tr><td {span} bgcolor="black"><font point-size="16" color="white">{title}</font></td></tr>']
    activation = getattr(node.operation, "activation", None)
    if shown.activations and activation is not None:
        name = getattr(activation, "name", None) or getattr(activation, "__name__", str(activation))
        text = f"Activation: <b>{escape(name)}</b>"
        rows.append(f'<tr><td {span} bgcolor="white"><font point-size="14">{text}</font></td></tr>')
    if cells:
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f'<<table border="0" cellborder="1" bgcolor="black" cellpadding="10">{"".join(rows)}</table>>'


def _listing(values) -> str:
    words = [str(value) for value in values]
    return words[0] if len(words) == 1 else f"[{', '.join(words)}]" if words else "?"
