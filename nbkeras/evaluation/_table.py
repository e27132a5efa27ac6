"""What all result tables share."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

import numpy as np


def make_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], footer: Iterable[Sequence[str]] = ()):
    """A `rich` table: numbers to the right, a rule before the footer."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right")
    rows, footer = list(rows), list(footer)
    for index, row in enumerate(rows):
        table.add_row(*row, end_section=bool(footer) and index == len(rows) - 1)
    for row in footer:
        table.add_row(*row, style="bold")
    return table


def as_text(table) -> str:
    """A table without colours, as wide as it needs to be."""
    from rich.console import Console

    out = io.StringIO()
    console = Console(file=out, width=200, force_terminal=False, highlight=False, emoji=False, markup=False)
    console.print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()).strip("\n")


def number(value) -> str:
    """A score in four digits after the point; the mean of several.

    Example:
        >>> number(0.5), number(12345.678), number(np.array([1.0, 2.0]))
        ('0.5000', '12345.68', '1.5000')
    """
    value = float(np.mean(value))
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:.2f}"


def spread(values) -> str:
    """Mean and standard deviation of the values.

    Example:
        >>> spread([1.0, 3.0])
        '2.0000 ± 1.0000'
    """
    array = np.array([np.mean(value) for value in values], dtype=float)
    return f"{number(array.mean())} ± {number(array.std())}"


def settings(params: dict) -> str:
    """Parameters in one line.

    Example:
        >>> settings({"units": 8, "rate": 0.5})
        'units=8, rate=0.5'
    """
    return ", ".join(f"{name}={value!r}" for name, value in params.items()) or "-"
