"""Lowering: the nodes of a plan as launches, each value with its place."""

from __future__ import annotations

from nbkeras.errors import KernelError
from nbkeras.graph import order
from nbkeras.graph.assemble import OutOfRegisters, assemble
from nbkeras.graph.dtypes import ITEMSIZE
from nbkeras.graph.groups import GROUP, is_group
from nbkeras.graph.launches import Launches, Operands
from nbkeras.graph.places import Places
from nbkeras.graph.primitives.moving import copy, strides_of
from nbkeras.graph.symbol import Node, Symbol
from nbkeras.kernels import elementwise as vm


def lower(nodes, graph, backend) -> tuple[Launches, Places]:
    """The launches of nodes, in order, and where their values lie."""
    launches, places = Launches(backend), Places()
    for symbol in (*graph.inputs, *graph.constants):
        places.put(symbol, symbol, 0)
    for variable, symbol in graph.reads.items():
        places.put(symbol, variable, 0)
    packed = order.packed(nodes)
    for node in nodes:
        launches.node = node
        first = len(launches.steps)
        for output, source in node.primitive.inplace.items():
            places.put(node.outputs[output], *places.of[id(node.inputs[source])])
        if node.primitive.view:
            owner, offset = places.of[id(node.inputs[0])]
            shift = node.params.get("offset", 0) * ITEMSIZE[node.outputs[0].dtype]
            places.put(node.outputs[0], owner, offset + shift)
        elif node.primitive.name == "pack":
            _pack(node, launches, places, packed)
        elif is_group(node):
            _group(node, launches)
        else:
            node.primitive.lower(node, launches)
        for symbol in node.outputs:
            places.put_alone(symbol)
            places.first.setdefault(id(symbol), first)
    return launches, places


def copy_whole(launches, target, source) -> None:
    """Launch a copy of one symbol's elements to another's place."""
    strides = strides_of(source.shape)
    copy(launches, target, source, source.shape, strides, strides)


def _pack(node, launches, places, packed):
    """Place each input in the flat buffer where it is made; copy those that live elsewhere."""
    flat = node.outputs[0]
    places.put(flat, flat, 0)
    places.pinned.add(id(flat))
    width = ITEMSIZE[flat.dtype]
    for symbol, offset in zip(node.inputs, node.params["offsets"], strict=True):
        owner, _ = places.of[id(symbol)]
        if id(owner) in packed and id(owner) not in places.pinned:
            places.move(owner, flat, offset * width)
        else:
            target = Symbol(symbol.shape, flat.dtype, name="packed")
            places.put(target, flat, offset * width)
            copy_whole(launches, target, symbol)


def _group(node, launches):
    """Launch a group; one that needs too many registers is cut in two."""
    try:
        kernel, kind, operands, shape, program, constants = assemble(node)
    except OutOfRegisters:
        for part in _halves(node):
            _group(part, launches)
        return
    n = node.params["members"][0].outputs[0].size
    rows = [(symbol, code, mode, *strides) for symbol, code, mode, strides in operands]
    length = len(program) // 5
    args = [Operands(rows), shape, program, constants, len(shape), length, n]
    launches.launch(kernel, kind, args, items=-(-n // vm.BLOCK), cost=0.2 * vm.BLOCK * length)


def _halves(node):
    """Cut a group into two; values that cross the cut are stored and loaded."""
    members = node.params["members"]
    if len(members) < 2:
        raise KernelError(f"{members[0]!r} needs more registers than the elementwise kernel has.")
    middle = len(members) // 2
    for part in (members[:middle], members[middle:]):
        inside = {id(m.outputs[0]) for m in part}
        constants = node.params["constants"]
        sources = {id(s): s for m in part for s in m.inputs if id(s) not in inside and id(s) not in constants}
        others = [m for m in members if m not in part]
        crossing = {id(s) for m in others for s in m.inputs}
        asked = {id(s) for s in node.params["results"]}
        results = [m.outputs[0] for m in part if id(m.outputs[0]) in asked | crossing]
        made = Node.__new__(Node)
        made.primitive, made.scope = GROUP, node.scope
        made.inputs, made.outputs = tuple(sources.values()), tuple(results)
        made.params = {
            "members": part,
            "sources": tuple(sources.values()),
            "results": tuple(results),
            "constants": constants,
        }
        yield made
