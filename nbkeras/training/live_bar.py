"""The bar that a terminal shows while an epoch runs, drawn by rich."""

from __future__ import annotations

from typing import TextIO


class LiveBar:
    """One line that is drawn over itself and vanishes at the end.

    Nothing is drawn by a thread of its own: the caller says when, so that kernels are never disturbed.

    Args:
        stream: a terminal.
        total: steps to come, None if unknown.
        title: what stands before the bar.
        width: characters of the bar.
    """

    def __init__(self, stream: TextIO, total: int | None, title: str, width: int = 20):
        # Importing rich takes longer than importing the rest of this package, and only terminals need it.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._total = total
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            TextColumn("{task.fields[count]}"),
            BarColumn(bar_width=width),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[info]}", markup=False),
            console=Console(file=stream, force_terminal=True),
            auto_refresh=False,
            transient=True,
        )
        self._task = self._progress.add_task(title, total=total, count=self._count(0), info="")
        self._progress.start()

    def draw(self, done: int, info: str) -> None:
        """Draw the bar with `done` steps behind it and `info` after it."""
        self._progress.update(self._task, completed=done, count=self._count(done), info=info, refresh=True)

    def close(self) -> None:
        """Take the bar off the screen and leave the cursor where it was."""
        self._progress.stop()

    def _count(self, done: int) -> str:
        return f"{done:>{len(str(self._total))}}/{self._total}" if self._total else f"{done}/Unknown"
