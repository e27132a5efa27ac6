"""Small odd work for every kernel, which both devices must do alike: what the simulator and the GPU tests share.

A case is a kernel's name, a dtype code and its arguments: NumPy arrays where the kernel takes pointers (copied for
each device, and compared after the run), `Table` for rows of addresses, numbers elsewhere.
"""

from __future__ import annotations

import dataclasses
import inspect
import zlib

import numpy as np


@dataclasses.dataclass
class Table:
    """Rows of (array, numbers...): the arrays are inputs and outputs like the others."""

    rows: list[tuple]


@dataclasses.dataclass
class Case:
    """One launch.

    Args:
        items: None if the kernel's own schedule says.
    """

    name: str
    kernel: str
    dtype: str
    arguments: list
    items: int | None = None

    def _places(self):
        for value in self.arguments:
            if isinstance(value, Table):
                yield from (row[0] for row in value.rows)
            elif isinstance(value, np.ndarray):
                yield value

    def arrays(self) -> list[np.ndarray]:
        """Every array that the case has, in order; one that is given twice (work in place) is there once."""
        return list({id(array): array for array in self._places()}.values())

    def replaced(self, replacements: list) -> list:
        """The arguments with each array replaced by its stand-in on a device."""
        standing = {id(array): new for array, new in zip(self.arrays(), replacements, strict=True)}
        return [
            Table([(standing[id(row[0])], *row[1:]) for row in value.rows])
            if isinstance(value, Table)
            else standing.get(id(value), value)
            for value in self.arguments
        ]


def items_of(case: Case, kernel) -> tuple[int, int]:
    """(items, chunk) on one device."""
    if case.items is not None:
        return case.items, case.items
    numbers = {p.name: v for p, v in zip(kernel.parameters, case.arguments, strict=True) if not p.is_pointer}
    wanted = inspect.signature(kernel.schedule).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in wanted.values()):
        numbers = {name: value for name, value in numbers.items() if name in wanted}
    return kernel.schedule(**numbers)


FLOATS = {"f4": np.float32, "f8": np.float64}


class Maker:
    """Makes cases with numbers that depend on their names only."""

    def __init__(self):
        self.cases: dict[str, Case] = {}

    def random(self, name: str):
        return np.random.default_rng(zlib.crc32(name.encode()))

    def add(self, kernel: str, label: str, dtype: str, make, items: int | None = None):
        """Add a case; `make(rng, real)` returns its arguments for one float type."""
        name = f"{kernel}-{label}-{dtype}"
        assert name not in self.cases, name
        real = FLOATS.get(dtype, np.dtype(dtype).type)
        self.cases[name] = Case(name, kernel, dtype, make(self.random(name), real), items)


def normal(rng, shape, real, scale=1.0):
    return (rng.standard_normal(shape) * scale).astype(real)


def make_cases() -> dict[str, Case]:
    """Every case by name, from the files of `cases_of`."""
    from tests.twins.cases_of import arrays, convolution, images, learning, matrices, programs

    maker = Maker()
    for module in (learning, arrays, convolution, images, matrices, programs):
        for add in module.FAMILIES:
            add(maker)
    return maker.cases
