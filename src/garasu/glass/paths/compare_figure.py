"""A comparison to look at: what either run believes on its way, how far apart they are, and what parts them.

Needs the extra `plots`: pip install garasu[plots].
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from garasu.glass.paths.compare import Comparison
from garasu.glass.paths.drawing import DPI, WIDTH, Strip, colour, draw_strip, finish, listed, noise_axis, strip
from garasu.glass.paths.swaps import Swaps
from garasu.model import StableDiffusion

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UNRELATED = math.sqrt(2)  # root mean square between latents of unit variance that have nothing to do with each other


def compare_figure(sd: StableDiffusion, comparison: Comparison, found: Swaps | None = None, title: str = "") -> Figure:
    """Decoded x0 of each run above; below, distances, when they part and, with ``found``, what parts them."""
    from matplotlib.figure import Figure

    made = strip(sd, comparison.paths)
    tall = WIDTH / len(made[1][0]) * len(made[1]) * made[1][0][0].height / made[1][0][0].width
    rows = [tall, 3.0] + ([_height(found)] if found else [])
    figure = Figure(figsize=(WIDTH, sum(rows) + 1.2), dpi=DPI, layout="constrained")
    grid = figure.add_gridspec(len(rows), 2, height_ratios=rows)
    _strip(figure.add_subplot(grid[0, :]), comparison, made)
    _distances(figure.add_subplot(grid[1, 0]), comparison)
    _shares(figure.add_subplot(grid[1, 1]), comparison)
    if found:
        _alone(figure.add_subplot(grid[2, 0]), found)
        if found.later:
            _later(figure.add_subplot(grid[2, 1]), found, comparison)
    finish(figure, title or " · ".join(one.label for one in comparison.paths), caption(comparison, found))
    return figure


def caption(comparison: Comparison, found: Swaps | None = None) -> str:
    """What one sees, in one sentence."""
    first = comparison.paths[0].label
    parts = []
    for other, distance, parted in zip(comparison.others, comparison.distances, comparison.partings, strict=True):
        if parted is None:
            parts.append(f"{first} and {other.label} end in the same place")
        elif math.isinf(parted.sigma):
            parts.append(f"{first} and {other.label} part in the first step and end {distance.final:.2f} apart")
        else:
            parts.append(f"{first} and {other.label} part at σ = {parted.sigma:.2g} and end {distance.final:.2f} apart")
    if found:
        single = [one for one in found.alone if one.what not in ("prompt", "the noise")] or list(found.alone)
        most = max(single, key=lambda one: one.share)
        parts.append(f"by itself, “{most.what}” goes {most.share:.0%} of the way")
        if (until := found.turns_until) is not None:
            parts.append(f"until σ = {until:.2g} the first can still be turned half of the way to the second")
    return "; ".join(parts) + "."


def _height(found: Swaps) -> float:
    return 1.2 + 0.28 * max(len(found.alone), 5)


def _strip(axes: Axes, comparison: Comparison, made: Strip) -> None:
    labels = listed([one.label for one in comparison.paths], 16)
    draw_strip(axes, made, labels, np.array(comparison.paths[0].sigma), [colour(row) for row in range(len(labels))])


def _distances(axes: Axes, comparison: Comparison) -> None:
    """Of x0 and of the latents, and the latter beside the noise."""
    for index, (other, distance) in enumerate(zip(comparison.others, comparison.distances, strict=True), 1):
        name = f"{other.label}: " if len(comparison.others) > 1 else ""
        axes.plot(distance.sigma, distance.x0, color=colour(index), label=f"{name}x0")
        axes.plot(distance.sigma, distance.latent, color=colour(index), linestyle="--", label=f"{name}latent")
        axes.plot(distance.sigma, distance.hidden, color=colour(index), linestyle=":", label=f"{name}latent / σ")
    axes.axhline(UNRELATED, color="0.5", linewidth=0.8)
    noise_axis(axes, comparison.distances[0].sigma)
    axes.annotate("unrelated", (comparison.distances[0].sigma[0], UNRELATED), fontsize=8, color="0.4", va="bottom")
    axes.set(ylabel="distance (RMS)", ylim=(0, max(1.6, *(1.1 * float(one.x0.max()) for one in comparison.distances))))
    axes.set_title("How far apart", fontsize=10, loc="left")
    axes.legend(fontsize=8, frameon=False)


def _shares(axes: Axes, comparison: Comparison) -> None:
    """How much of the final difference is there, and where half of it is."""
    rows = zip(comparison.others, comparison.distances, comparison.partings, strict=True)
    for index, (other, distance, parted) in enumerate(rows, 1):
        axes.plot(distance.sigma, distance.share, color=colour(index), label=other.label)
        if parted is not None:
            at = min(parted.sigma, distance.sigma[0])
            axes.axvline(at, color=colour(index), linestyle=":", linewidth=1)
            axes.axvspan(min(parted.early, distance.sigma[0]), parted.late, color=colour(index), alpha=0.1, linewidth=0)
    axes.axhline(0.5, color="0.5", linewidth=0.8)
    noise_axis(axes, comparison.distances[0].sigma)
    axes.set(ylabel="share of the final difference in x0")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_title("Where they part: half (dotted), 25 to 75 % (shaded)", fontsize=10, loc="left")
    if len(comparison.others) > 1:
        axes.legend(fontsize=8, frameon=False)


def _alone(axes: Axes, found: Swaps) -> None:
    names = listed([one.what for one in found.alone])
    places = range(len(names))
    axes.barh(
        places, [one.share for one in found.alone], height=0.6, color=colour(0), label="towards the other run's end"
    )
    axes.plot([one.moved for one in found.alone], places, "|", color=colour(1), markersize=14, markeredgewidth=2,
              label="moved in any direction")  # fmt: skip
    axes.set_yticks(places, names, fontsize=9)
    axes.invert_yaxis()
    axes.axvline(0, color="0.3", linewidth=0.8)
    axes.axvline(1, color="0.5", linewidth=0.8)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set(xlabel="of the way to the other run's end")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("Only this is the other run's", fontsize=10, loc="left")
    axes.legend(fontsize=8, frameon=False, ncols=2, loc="upper left", bbox_to_anchor=(-0.02, -0.18))


def _later(axes: Axes, found: Swaps, comparison: Comparison) -> None:
    axes.set_title("From this level on all that can change is the other run's", fontsize=10, loc="left")
    axes.plot([one.sigma for one in found.later], [one.share for one in found.later], "o-", color=colour(0))
    axes.axhline(0.5, color="0.5", linewidth=0.8)
    noise_axis(axes, np.array(comparison.paths[0].sigma))
    axes.set(ylabel="of the way to its end")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
