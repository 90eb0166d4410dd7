"""A U-Net's ladder to look at, and pictures that were made without some of its parts.

Needs the extra `plots`: pip install garasu[plots].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import fill, shorten
from typing import TYPE_CHECKING

from PIL import Image
from torch import Tensor

from garasu.glass.overlay import HEAT, inscribe, panel
from garasu.glass.unet import Rung, UNetReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, DPI = 12.0, 100  # inches, and pixels an inch
_EDGE, _BETWEEN = 0.15, 1.7  # inches: around the page, and between the way down and the way up
_TITLE, _HEAD, _NAME, _CAPTION = 0.55, 0.35, 0.24, 0.75  # inches, heights
_CELL = 1.15  # inches, the largest cell
_PICTURES = 6  # in a row
_ABOVE = 0.5  # inches, for the names of a row of pictures, in two lines


def unet_figure(report: UNetReport, pictures: Mapping[str, Image.Image] = {}, title: str = "") -> Figure:
    """One page, 1200 pixels wide; save it with `figure.savefig("unet.png")`.

    Left the way down, below it the middle, right the way up, each feature map at the report's steps: the root mean
    square over channels, from the least (dark) to the greatest value (bright) of all steps. Between them the skips:
    which part of what the block on the right makes of its input is made of the skip. Below, ``pictures`` by their
    names, for example made `without` some parts.
    """
    from matplotlib.figure import Figure

    cell = min(_CELL, (WIDTH / 2 - _EDGE - _BETWEEN / 2) / len(report.steps))
    shown = min(2.2, (WIDTH - 2 * _EDGE) / _PICTURES)
    page = _Ladder(Figure(dpi=DPI), report, cell, report.middle.maps.shape[1] / report.middle.maps.shape[2])
    rows = -(-len(pictures) // _PICTURES)
    below = rows * (shown * _ratio(pictures) + _ABOVE)
    figure, ladder = page.figure, page.height
    figure.set_size_inches(WIDTH, _TITLE + ladder + below + _CAPTION)
    page.draw()
    for index, (name, picture) in enumerate(pictures.items()):
        row, column = divmod(index, _PICTURES)
        top = _TITLE + ladder + row * (shown * _ratio(pictures) + _ABOVE) + _ABOVE - 0.04
        axes = panel(figure, _EDGE + column * shown, top, shown - 0.06, (shown - 0.06) * _ratio(pictures))
        axes.imshow(picture, interpolation="bilinear")
        axes.set_axis_off()
        axes.set_title(fill(shorten(name, 80, placeholder=" …"), 30), fontsize=8.5, pad=3)
    inscribe(figure, title, caption(report))
    return figure


def caption(report: UNetReport) -> str:
    """What one sees, in one sentence."""
    shares = {skip.name: float(skip.share.mean()) for skip in report.skips}
    most, least = max(shares, key=lambda name: shares[name]), min(shares, key=lambda name: shares[name])
    norms = {skip.made.name: float(skip.made.norm.mean()) for skip in report.skips}
    loudest = max(norms, key=lambda name: norms[name])
    return (
        f"{most} weighs most in what its block makes of both, {shares[most]:.0%}, and {least} least, "
        f"{shares[least]:.0%}; on the way up {loudest} has the largest values, {norms[loudest]:.3g} (root mean square)."
    )


def _ratio(pictures: Mapping[str, Image.Image]) -> float:
    return max((one.height / one.width for one in pictures.values()), default=1.0)


@dataclass(frozen=True, eq=False)
class _Ladder:
    """Cells of the same size: ``cell`` inches wide, ``ratio`` times as high."""

    figure: Figure
    report: UNetReport
    cell: float
    ratio: float

    @property
    def row(self) -> float:
        """The height of a rung with its name, in inches."""
        return self.cell * self.ratio + _NAME

    @property
    def height(self) -> float:
        """In inches."""
        return _HEAD + (len(self.report.skips) + 1) * self.row

    def draw(self) -> None:
        """Left the way down, right the way up, the middle below."""
        width = len(self.report.steps) * self.cell
        for index, skip in enumerate(self.report.skips):
            top = _TITLE + _HEAD + index * self.row
            left, right = WIDTH / 2 - _BETWEEN / 2 - width, WIDTH / 2 + _BETWEEN / 2
            for start, rung in ((left, skip.left), (right, skip.made)):
                axes = self._draw_rung(start, top, rung)
                for one, step in zip(axes, self.report.steps, strict=True):
                    if index == 0:
                        one.text(0.5, 1.3, f"step {step}", transform=one.transAxes, ha="center", fontsize=9)
            _draw_share(self.figure, top + _NAME + self.cell * self.ratio / 2, skip.name, skip.share)
        top = _TITLE + _HEAD + len(self.report.skips) * self.row
        self._draw_rung(WIDTH / 2 - width / 2, top, self.report.middle)

    def _draw_rung(self, left: float, top: float, rung: Rung) -> list[Axes]:
        """A rung's maps side by side, below its name and size."""
        low, high = float(rung.maps.min()), float(rung.maps.max())
        drawn = []
        for index, one in enumerate(rung.maps):
            width = self.cell - 0.04
            axes = panel(self.figure, left + index * self.cell, top + _NAME, width, width * self.ratio)
            axes.imshow(one.numpy(), cmap=HEAT, vmin=low, vmax=high, interpolation="antialiased", aspect="auto")
            axes.set_axis_off()
            drawn.append(axes)
        height, width = rung.maps.shape[1:]
        numbers = f"rms {rung.norm.mean():.3g}, std {rung.std.mean():.3g}"
        name = f"{rung.name.removeprefix('unet.')}   {height}×{width}   {numbers}"
        drawn[0].set_title(name, fontsize=8, pad=2, loc="left")
        return drawn


def _draw_share(figure: Figure, middle: float, name: str, share: Tensor) -> None:
    """The arrow of a skip across the ladder."""
    axes = panel(figure, WIDTH / 2 - _BETWEEN / 2 + 0.1, middle - 0.3, _BETWEEN - 0.2, 0.6)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_axis_off()
    share_of = float(share.mean())
    axes.annotate("", (1, 0.4), (0, 0.4), arrowprops={"arrowstyle": "->", "lw": 0.8 + 4 * share_of, "color": "#0072B2"})
    axes.text(0.5, 0.62, f"{name}  {share_of:.0%}", ha="center", va="bottom", fontsize=9)
