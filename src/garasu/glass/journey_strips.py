"""The pictures of a journey's figure: the film strip, and close looks at what jumps and what flickers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from garasu.glass.flicker import Flicker
from garasu.glass.journey import Frame, JourneyReport
from garasu.glass.weather import Jump

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle

Look = tuple[str, list[Image.Image], str]  # a heading, pictures side by side, and the colour of their frame

JUMP_INK, FLICKER_INK = "#D55E00", "#A0457B"  # vermilion, and purple dark enough for text (Okabe and Ito)
_SPACE = 0.06  # between pictures, in their width
_CLOSE = 12  # pixels around what flickers


def strip_frames(frames: Sequence[Frame], count: int) -> list[Frame]:
    """The frames nearest to `count` evenly spaced places, the first and the last among them."""
    places = np.array([frame.u for frame in frames])
    wanted = np.linspace(places[0], places[-1], count)
    return [frames[int(np.abs(places - place).argmin())] for place in wanted]


def draw_strip(axes: Axes, shown: Sequence[Frame]) -> None:
    """The film strip over the whole width, each picture under its u and tied to its place on the axis below.

    The axes share the x axis of the speeds: x is u.
    """
    first, last = shown[0].u, shown[-1].u
    width = (last - first) / len(shown)
    for index, frame in enumerate(shown):
        left = first + (index + _SPACE / 2) * width
        right = left + (1 - _SPACE) * width
        axes.imshow(np.asarray(frame.picture), extent=(left, right, 0, 1), aspect="auto", interpolation="antialiased")
        middle = (left + right) / 2
        axes.text(middle, 1.03, f"{frame.u:.2f}", ha="center", va="bottom", fontsize=9)
        axes.plot([middle, frame.u], [-0.01, -0.14], color="0.6", linewidth=0.8)
    axes.set(xlim=(first, last), ylim=(-0.14, 1))
    axes.axis("off")


def looks(report: JourneyReport, frames: Sequence[Frame]) -> list[Look]:
    """Close looks: at the four greatest jumps, or two of them and the most striking flicker."""
    flickers = [_flicker(flicker, frames) for flicker in report.flickers[:1]]
    jumps = sorted(report.jumps, key=lambda one: one.change, reverse=True)
    return [*(_jump(jump, frames) for jump in jumps[: 2 if flickers else 4]), *flickers]


def draw_looks(axes: Axes, shown: Sequence[Look], cells: int) -> None:
    """Groups of pictures from left to right, of which `cells` fill the width of the axes."""
    left = 0.0
    for heading, pictures, colour in shown:
        axes.text(left, 1.05, heading, ha="left", va="bottom", fontsize=9, color=colour)
        for picture in pictures:
            right = left + 1 - _SPACE
            axes.imshow(np.asarray(picture), extent=(left, right, 0, 1), aspect="auto", interpolation="antialiased")
            axes.add_patch(_frame(left, colour))
            left += 1
        left += 0.25
    axes.set(xlim=(-0.01, max(cells, left)), ylim=(-0.02, 1.02))
    axes.axis("off")


def _frame(left: float, colour: str) -> Rectangle:
    from matplotlib.patches import Rectangle

    return Rectangle((left, 0), 1 - _SPACE, 1, fill=False, edgecolor=colour, linewidth=1.5)


def _jump(jump: Jump, frames: Sequence[Frame]) -> Look:
    before, after = frames[jump.frame - 1], frames[jump.frame]
    return f"jump at {jump.at:.3f}: {jump.change:.0f} levels", [before.picture, after.picture], JUMP_INK


def _flicker(flicker: Flicker, frames: Sequence[Frame]) -> Look:
    """What flickers before its first toggles and after each of them, close up."""
    first = flicker.frames[0]
    shown = [frames[index].picture for index in (first - 1, *flicker.frames[:3])]
    heading = f"flicker from {flicker.at[0]:.3f} to {flicker.at[-1]:.3f}, close up: {len(flicker.frames)} toggles"
    return heading, [_close_up(picture, flicker) for picture in shown], FLICKER_INK


def _close_up(picture: Image.Image, flicker: Flicker) -> Image.Image:
    """A square around the region, every pixel of it to be seen."""
    left, top, right, bottom = flicker.box
    side = min(max(right - left, bottom - top) + 2 * _CLOSE, *picture.size)
    x = min(max(0, (left + right - side) // 2), picture.width - side)
    y = min(max(0, (top + bottom - side) // 2), picture.height - side)
    scale = -(-256 // side)
    cut = picture.crop((x, y, x + side, y + side))
    return cut.resize((side * scale, side * scale), Image.Resampling.NEAREST)
