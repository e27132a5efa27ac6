"""What all pictures share: the import of matplotlib with one clear error, the colours, the saving.

Figures are made with matplotlib's object interface on an Agg canvas: no window, no display, no global state.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nbkeras.extras import need

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Blue, vermilion and greys that colour-blind readers tell apart (Okabe and Ito, Color Universal Design, 2008).
BLUE, VERMILION, INK, RULE = "#0072B2", "#D55E00", "#333333", "#DDDDDD"


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure of width × height inches.

    Raises:
        ExtraMissing: matplotlib is not installed.
    """
    agg = need("matplotlib.backends.backend_agg", "drawing a picture")
    figure = need("matplotlib.figure", "drawing a picture").Figure(
        figsize=(width, height), layout="constrained", facecolor="white"
    )
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    agg.FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: str | os.PathLike | None) -> None:
    """Write the figure to `path`, in the format that its ending names; None writes nothing."""
    if path is not None:
        figure.savefig(path, dpi=150)
