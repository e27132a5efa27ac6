"""Calls without lasting effects: a function runs as if its variables had other values, and hands back the new ones."""

from __future__ import annotations

from nbkeras.errors import ArgumentError
from nbkeras.graph import live, trace
from nbkeras.graph.primitives import cast, lift


def stateless(function, variables, values):
    """Call a function as if variables had other values.

    Args:
        function: takes nothing; reads and assigns the variables as it likes.
        variables: those that stay as they are.
        values: a tensor for each, of its shape.

    Returns:
        What the function gives, and the value of each variable afterwards.
    """
    variables, values = list(variables), list(values)
    if trace.current() is None:
        return live.compute(lambda inside: stateless(function, variables, inside), (values,))
    graph = trace.current()
    for variable, value in zip(variables, values, strict=True):
        if tuple(getattr(value, "shape", ())) != tuple(variable.shape):
            raise ArgumentError(
                f"variable {variable.name!r} has shape {tuple(variable.shape)} but was given a value of shape "
                f"{tuple(getattr(value, 'shape', ()))}.",
                next="pass the values in the order of the variables.",
            )
    owners = {id(v.arena): v.arena for v in variables if v.arena is not None}
    kept = [*owners.values(), *variables]
    for variable in variables:
        graph.read(variable)
    before = {v: graph.values[v] for v in kept if v in graph.values}
    for variable, value in zip(variables, values, strict=True):
        graph.values[variable] = cast(lift(value), variable.dtype)
    try:
        result = function()
        after = [graph.read(v) for v in variables]
    finally:
        for variable in kept:
            if variable in graph.values:
                graph.values[variable] = before.get(variable, graph.reads[variable])
    return result, after
