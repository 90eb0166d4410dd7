"""What the pictures of runs have in common: a page, panels of pictures and of maps, a sentence beneath."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from torch import Tensor

if TYPE_CHECKING:  # an extra
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.image import AxesImage

WIDTH, DPI = 12.0, 100  # inches, and pixels an inch: 1200 px
SIGNED = "PuOr_r"  # purple below zero, white, orange above: told apart by everyone
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito's
_LETTERS = 138  # of a line of the caption, on a page of that width
_NARROWEST = 8.0  # inches, that a caption wants
_LABELS = 1.0  # inches beside panels


def page(height: float, title: str, caption: str, width: float = WIDTH) -> Figure:
    """An empty figure of so many inches, with a title above and what one sees beneath."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    letters = int(_LETTERS * width / WIDTH)
    figure.suptitle(fill(title, int(letters * 0.7)), x=0.01, ha="left", fontsize=13, fontweight="bold")
    figure.supxlabel(fill(caption, letters), x=0.01, ha="left", fontsize=10.5)
    return figure


def panel_width(columns: int) -> float:
    """Inches of one of so many panels in a row: as many as fit on a page, but neither huge nor tiny."""
    return min(2.0, max(0.95, (WIDTH - _LABELS) / columns))


def row_width(columns: int) -> float:
    """Inches of a page with so many panels in a row."""
    return max(_NARROWEST, _LABELS + columns * panel_width(columns))


def parts(figure: Figure, heights: Sequence[float]) -> list[SubFigure]:
    """The figure in parts, one below the other, of such heights."""
    found: Any = figure.subfigures(len(heights), 1, height_ratios=heights)
    return list(found)


def show_picture(axes: Axes, picture: Image.Image, title: str = "") -> None:
    """A picture without axes."""
    axes.imshow(np.asarray(picture), interpolation="antialiased")
    _bare(axes, title)


def show_map(axes: Axes, values: Tensor, limit: float, title: str = "") -> AxesImage:
    """Signed numbers [h, w] as colours, from −limit to limit: as squares, unless there are as many as pixels."""
    drawn = axes.imshow(values.numpy(), cmap=SIGNED, vmin=-limit, vmax=limit, interpolation="antialiased")
    _bare(axes, title)
    return drawn


def log_labels(axes: Axes) -> None:
    """Plain numbers on a logarithmic y axis whose lines are drawn, few of them where it spans a power of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    plain = FuncFormatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_major_formatter(plain)
    low, high = axes.get_ylim()
    if high >= 10 * low:
        axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    axes.yaxis.set_minor_formatter(plain)


def _bare(axes: Axes, title: str) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_title(title, fontsize=9.5)
