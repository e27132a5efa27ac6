"""Writing back: the new values of variables, computed in their own memory where nothing reads the old value after."""

from __future__ import annotations

from nbkeras.graph.assemble import read_before_made
from nbkeras.graph.groups import is_group
from nbkeras.graph.lower import copy_whole
from nbkeras.graph.symbol import Symbol


def write_back(graph, launches, places) -> None:
    """Let each variable that the graph writes have its value in its memory at the end of the launches."""
    launches.node = None
    # Arenas first: a value that one of their variables gets besides is written over theirs.
    writes = sorted(graph.writes.items(), key=lambda item: item[0].arena is not None)
    arenas = {variable: symbol for variable, symbol in writes if variable.arena is None}
    late = [*graph.outputs, *(symbol for _, symbol in writes)]
    for variable, symbol in writes:
        owner, shift = places.of[id(symbol)]
        made = id(owner) in places.first and id(owner) not in places.pinned
        whole = made and shift == 0 and owner.size == symbol.size
        alone = variable.arena not in arenas and not any(
            v.arena is variable and not places.is_part(v, s, symbol) for v, s in writes
        )
        if whole and alone and _old_value_is_dead(launches.steps, places, graph.reads[variable], owner, late):
            places.move(owner, variable, 0)
    copies = []
    for variable, symbol in writes:
        old = graph.reads[variable]
        flat = arenas.get(variable.arena)
        if places.region(symbol) == places.region(old) if flat is None else places.is_part(variable, symbol, flat):
            continue
        if not isinstance(places.of[id(symbol)][0], Symbol):
            # The new value is another variable's memory: copy it aside before anything is overwritten.
            aside = launches.temp(symbol.shape, symbol.dtype)
            places.put(aside, aside, 0)
            copy_whole(launches, aside, symbol)
            symbol = aside
        copies.append((old, symbol))
    for target, source in copies:
        copy_whole(launches, target, source)


def _old_value_is_dead(steps, places, old, owner, late) -> bool:
    """Nothing touches a variable's memory from the launch that makes `owner` on, but elementwise at one index."""
    memory = places.region(old)
    if any(places.meets(s, memory) for s in late):
        return False
    first = places.first[id(owner)]
    for i, step in enumerate(steps[first:], first):
        for symbol in step.symbols():
            if id(symbol) in places.of and places.meets(symbol, memory):
                same = places.region(symbol) == memory
                if i != first or not same or not _elementwise(step, symbol, old, owner):
                    return False
    return True


def _elementwise(step, symbol, old, owner) -> bool:
    """The launch reads the old value element by element, and each before it writes the new one there."""
    if step.node is None or not is_group(step.node):
        return False
    members = step.node.params["members"]
    aligned = symbol.dtype == old.dtype and symbol.shape == members[0].outputs[0].shape
    return aligned and read_before_made(members, symbol, owner)
