"""A journey to look at: the film strip, how fast its picture moves, and what jumps and flickers.

Needs the extra `plots`: pip install garasu[plots].
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from garasu.glass.journey import CLIP, LATENT, PIXELS, Frame, JourneyReport
from garasu.glass.journey_strips import FLICKER_INK, JUMP_INK, draw_looks, draw_strip, looks, strip_frames
from garasu.glass.speed import Floats
from garasu.glass.weather import weighted_median

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, DPI = 12.0, 100  # inches, and pixels an inch: 1200 px
_CELLS = 9  # square pictures that fill the width
_MARGIN = 0.75  # inches on the left, for the axis
_EDGE = 0.15  # inches on the right
_SPEEDS = 3.0  # inches, height of the panel of speeds
_CURVES = {
    PIXELS: ("pixels", "#000000", "-", 1.8),
    CLIP: ("CLIP embedding", "#0072B2", "-", 1.2),
    LATENT: ("latent per embedding distance", "#009E73", (0, (4, 1.5)), 1.2),
}
_WEATHER = {"calm": "#56B4E9", "storm": "#E69F00"}


def journey_figure(report: JourneyReport, frames: Sequence[Frame], title: str = "") -> Figure:
    """The figure of measured frames: save it with `figure.savefig("speed.png")`, 1200 pixels wide.

    Speeds are drawn in multiples of their own median over the way, on a logarithmic scale.
    """
    from matplotlib.figure import Figure

    ratio = frames[0].picture.height / frames[0].picture.width
    cells = max(3, round(_CELLS * max(1.0, ratio)))
    cell = (WIDTH - _MARGIN - _EDGE) / cells * ratio  # inches, height of a picture
    close = looks(report, frames)
    heights = [0.75, cell * 1.14, _SPEEDS, 1.2 if close else 0.85, cell if close else 0.0, 0.6]
    figure = Figure(figsize=(WIDTH, sum(heights)), dpi=DPI)
    strip, speeds, closer = (_axes(figure, heights, row) for row in (1, 2, 4))
    draw_strip(strip, strip_frames(frames, cells))
    _draw_speeds(speeds, report)
    if close:
        draw_looks(closer, close, cells)
    else:
        closer.remove()
    figure.text(_MARGIN / WIDTH, 1 - 0.12 / sum(heights), title, va="top", fontsize=15, fontweight="bold")
    figure.text(_MARGIN / WIDTH, 0.12 / sum(heights), fill(caption(report), 140), va="bottom", fontsize=10.5)
    return figure


def caption(report: JourneyReport) -> str:
    """What one sees, in one sentence."""
    way = report.u[-1] - report.u[0]
    calm = sum(one.length for one in report.stretches if one.kind == "calm") / way
    storms = sum(one.kind == "storm" for one in report.stretches)
    parts = [f"The picture is calm on {calm:.0%} of the way and storms in {_counted(storms, 'stretch', 'stretches')}"]
    if report.jumps:
        top = max(report.jumps, key=lambda one: one.times)
        jumps = _counted(len(report.jumps), "time", "times")
        parts.append(f"it jumps {jumps}, fastest at {top.at:.3f} with {top.times:.0f} times its median speed")
    if report.flickers:
        parts.append(_counted(len(report.flickers), "detail flickers", "details flicker"))
    return "; ".join(parts) + "."


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _axes(figure: Figure, heights: Sequence[float], row: int) -> Axes:
    """The axes of a row, all of them of one width."""
    total = sum(heights)
    bottom = sum(heights[row + 1 :]) / total
    return figure.add_axes((_MARGIN / WIDTH, bottom, 1 - (_MARGIN + _EDGE) / WIDTH, max(heights[row], 0.01) / total))


def _draw_speeds(axes: Axes, report: JourneyReport) -> None:
    """All speeds over u, the weather behind them, jumps and flicker marked."""
    places = np.array(report.u)
    middles = (places[:-1] + places[1:]) / 2
    _draw_weather(axes, report)
    for name, (label, colour, style, width) in _CURVES.items():
        if name in report.speeds:
            speeds = _relative(places, np.array(report.speeds[name]))
            axes.plot(middles, speeds, color=colour, linestyle=style, linewidth=width, label=label)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (high / low) ** 0.22)  # room for labels
    for jump in report.jumps:
        axes.axvline(jump.at, color=JUMP_INK, linewidth=1, linestyle=(0, (2, 2)), zorder=0)
    _label_jumps(axes, report)
    _mark_flickers(axes, report)
    axes.set(xlim=(places[0], places[-1]), xlabel="u, the share of the way", ylabel="speed, × its median")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, -0.29), ncols=5, frameon=False, fontsize=9.5)


def _draw_weather(axes: Axes, report: JourneyReport) -> None:
    for stretch in report.stretches:
        axes.axvspan(stretch.start, stretch.end, color=_WEATHER[stretch.kind], alpha=0.22, linewidth=0)
        if stretch.length > 0.05 * (report.u[-1] - report.u[0]):
            axes.text(
                (stretch.start + stretch.end) / 2,
                0.02,
                stretch.kind,
                transform=axes.get_xaxis_transform(),
                ha="center",
                va="bottom",
                fontsize=9.5,
                color="0.3",
            )


def _label_jumps(axes: Axes, report: JourneyReport) -> None:
    """How fast the jumps are, the fastest first, where there is room beside those labelled already."""
    first, last = report.u[0], report.u[-1]
    room = 0.045 * (last - first)
    taken: list[float] = []
    for jump in sorted(report.jumps, key=lambda one: -one.times):
        if any(abs(jump.at - other) < room for other in taken):
            continue
        taken.append(jump.at)
        axes.text(
            min(max(jump.at, first + room / 2), last - room / 2),
            0.985,
            f"{jump.times:.0f}×",
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="top",
            fontsize=9.5,
            color=JUMP_INK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8},
        )


def _mark_flickers(axes: Axes, report: JourneyReport) -> None:
    """A row of ticks, one for each toggle."""
    toggles = [at for flicker in report.flickers for at in flicker.at]
    if toggles:
        axes.plot(
            toggles,
            [0.125] * len(toggles),
            linestyle="none",
            marker="|",
            markersize=11,
            markeredgewidth=1.6,
            color=FLICKER_INK,
            transform=axes.get_xaxis_transform(),
            label="a detail toggles",
        )


def _relative(u: Floats, speeds: Floats) -> Floats:
    """In multiples of the median over the way; where nothing moves, nothing is drawn."""
    middle = weighted_median(speeds, np.diff(u))
    return np.where(speeds > 0, speeds / middle, np.nan) if middle else np.full_like(speeds, np.nan)
