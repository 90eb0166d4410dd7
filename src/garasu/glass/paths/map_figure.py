"""A map of paths to look at, with the pictures at their ends.

Needs the extra `plots`: pip install garasu[plots].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from garasu.glass.paths.drawing import DPI, WIDTH, colour, draw_strip, finish, listed, strip
from garasu.glass.paths.map import Map
from garasu.glass.paths.path import Floats
from garasu.model import StableDiffusion

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE = 8  # pictures on either side of the map
ROWS = 2  # of a strip below it


def map_figure(
    sd: StableDiffusion,
    made: Map,
    title: str = "",
    numbers: Sequence[int] | None = None,
    pictures: Sequence[Image.Image] | None = None,
) -> Figure:
    """The map between the pictures in which its paths end; below, the way of two that end far from each other.

    Args:
        sd: decodes.
        made: of `path_map`.
        title: above it.
        numbers: the group of each path, which gives its colour; each has its own when not given.
        pictures: in which the paths end, where they are decoded already.
    """
    from matplotlib.figure import Figure

    known = list(range(len(made.paths))) if numbers is None else list(numbers)
    left, right = _sides(made.ends)
    most = max(len(left), len(right))
    height = max(5.0, min(1.25 * most, 9.0))
    pair = _farthest(made.ends)
    figure = Figure(figsize=(WIDTH, height + 3.9), dpi=DPI, layout="constrained")
    grid = figure.add_gridspec(2, 3, height_ratios=[height, 3.4], width_ratios=[1, 6, 1])
    axes = figure.add_subplot(grid[0, 1])
    _paths(axes, made, known)
    for column, edge, side in ((0, 1.0, left), (2, 0.0, right)):
        cells = grid[0, column].subgridspec(most, 1)
        for place, index in enumerate(side):
            (picture,) = [pictures[index]] if pictures else sd.decode_each(made.paths[index].finished[None])
            ink, beside = colour(known[index]), figure.add_subplot(cells[place, 0])
            _end(beside, picture, made.paths[index].label, ink)
            figure.add_artist(_line(beside, edge, axes, made.ends[index], ink))
    way = [made.paths[index] for index in pair]
    inks = [colour(known[index]) for index in pair]
    labels = listed([one.label for one in way], 16)
    draw_strip(figure.add_subplot(grid[1, :]), strip(sd, way), labels, made.sigma, inks)
    finish(figure, title or "Paths from noise to picture", caption(made))
    return figure


def caption(made: Map) -> str:
    """What one sees, in one sentence."""
    first, second = made.explained
    what = "x0 (what the network believes)" if made.what == "x0" else "the latents, x/√(1+σ²),"
    without = ", the mean way taken away" if made.apart else ""
    return (
        f"{len(made.paths)} ways of {what} from noise (small dots) to picture (large dots){without}; the plane has "
        f"{first + second:.0%} of their variance ({first:.0%} across, {second:.0%} up)."
    )


def _paths(axes: Axes, made: Map, numbers: list[int]) -> None:
    for path, points, number in zip(made.paths, made.points, numbers, strict=True):
        axes.plot(*points.T, color=colour(number), linewidth=1, marker=".", markersize=3, label=path.label)
        axes.plot(*points[-1], "o", color=colour(number), markersize=7)
    first, second = made.explained
    across, up = f"first component, {first:.0%} of the variance →", f"↑ second, {second:.0%}"
    axes.annotate(across, (1, 0.01), xycoords="axes fraction", ha="right", fontsize=9)
    axes.annotate(up, (0.01, 0.99), xycoords="axes fraction", va="top", fontsize=9)
    axes.tick_params(labelleft=False, labelbottom=False, length=0)
    axes.set_aspect("equal", adjustable="datalim")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _sides(ends: Floats) -> tuple[list[int], list[int]]:
    """Which ends are shown on the left and on the right, from top to bottom; of many, evenly chosen."""
    order = np.argsort(ends[:, 0], kind="stable")
    if len(order) > 2 * SIDE:
        order = order[np.linspace(0, len(order) - 1, 2 * SIDE).round().astype(int)]
    half = len(order) // 2
    left, right = (sorted(some.tolist(), key=lambda index: -ends[index, 1]) for some in (order[:half], order[half:]))
    return left, right


def _end(axes: Axes, picture: Image.Image, label: str, ink: str) -> None:
    axes.imshow(np.asarray(picture))
    axes.set(xticks=[], yticks=[])
    axes.set_title(listed([label], 16)[0], fontsize=8)
    for side in axes.spines.values():
        side.set(color=ink, linewidth=2)


def _line(beside: Axes, edge: float, plane: Axes, end: Floats, ink: str) -> Artist:
    """From a picture's edge to where its path ends."""
    from matplotlib.patches import ConnectionPatch

    start, stop = (edge, 0.5), (float(end[0]), float(end[1]))
    return ConnectionPatch(start, stop, beside.transAxes, plane.transData, color=ink, linewidth=0.6, alpha=0.7)


def _farthest(ends: Floats) -> list[int]:
    """Two paths that end far from each other on the map."""
    distances = np.linalg.norm(ends[:, None] - ends[None], axis=-1)
    return [int(index) for index in np.unravel_index(int(distances.argmax()), distances.shape)]
