"""A fan to look at: how its paths part, and where they end.

Needs the extra `plots`: pip install garasu[plots].
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from garasu.glass.drawing import log_labels
from garasu.glass.paths.drawing import DPI, WIDTH, colour, finish, noise_axis
from garasu.glass.paths.fan import Fan
from garasu.glass.paths.path import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 27  # ends that are shown
COLUMNS = 9


def fan_figure(fan: Fan, title: str = "") -> Figure:
    """Distances over the noise levels above, the decoded ends below, those that look alike in frames of one colour."""
    from matplotlib.figure import Figure

    shown = _shown(fan)
    lines = ceil(len(shown) / COLUMNS)
    picture = fan.pictures[0]
    tall = WIDTH / COLUMNS * lines * (picture.height / picture.width + 0.14)
    figure = Figure(figsize=(WIDTH, 4.2 + tall + 0.9), dpi=DPI, layout="constrained")
    grid = figure.add_gridspec(2, 1, height_ratios=[4.2, tall])
    _distances(figure.add_subplot(grid[0]), fan)
    _ends(figure, grid[1].subgridspec(lines, COLUMNS), fan, shown)
    finish(figure, title or f"{fan.recipe.prompt}, seed {fan.recipe.seed}", caption(fan))
    return figure


def caption(fan: Fan) -> str:
    """What one sees, in one sentence."""
    changes = f"{len(fan.paths) - 1} changes of {fan.size:g} in the {fan.of}"
    rate = fan.rate
    grown = "" if rate is None else f", growing {rate.growth:.2g}-fold between σ {rate.first:.2g} and {rate.last:.2g}"
    many = "one picture" if fan.endings == 1 else f"{fan.endings} different pictures"
    return f"{changes} end {fan.final.mean():.2g} from the run on average{grown}, in {many}."


def _distances(axes: Axes, fan: Fan) -> None:
    """Each path, their geometric mean, quantiles, and the exponential stretch."""
    sigma, distances = fan.sigma, np.where(fan.distances > 0, fan.distances, np.nan)
    axes.plot(sigma, distances.T, color="0.75", linewidth=0.7)
    there = np.isfinite(distances).all(axis=0)
    low, high = np.quantile(distances[:, there], [0.1, 0.9], axis=0)
    axes.fill_between(sigma[there], low, high, color=colour(0), alpha=0.2, linewidth=0, label="10 to 90 %")
    mean = np.exp(np.log(distances[:, there]).mean(axis=0))
    axes.plot(sigma[there], mean, color=colour(0), linewidth=2, label="latents, x/√(1+σ²): geometric mean")
    axes.plot(sigma, _positive(fan.believed.mean(axis=0)), color=colour(2), linestyle="--", label="x0: mean")
    if (rate := fan.rate) is not None:
        ends = np.array([rate.first, rate.last])
        label = f"exponential: {rate.rate:+.2f} ± {rate.spread:.2f} for each unit of ln σ"
        axes.plot(ends, rate.level * ends**-rate.rate, color=colour(1), linewidth=2, label=label)
    axes.set(yscale="log", ylabel="distance from the run (RMS)")
    noise_axis(axes, sigma)
    log_labels(axes)
    axes.legend(fontsize=9, frameon=False)


def _positive(values: Floats) -> Floats:
    return np.where(values > 0, values, np.nan)


def _shown(fan: Fan) -> list[int]:
    """The run itself, then paths group by group, the largest first; of many, as many as there is room for."""
    order = sorted(range(1, len(fan.paths)), key=lambda index: (fan.groups[index], index))
    every = max(1, ceil(len(order) / (MOST - 1)))
    return [0, *order[::every]]


def _ends(figure: Figure, grid: object, fan: Fan, shown: list[int]) -> None:
    for place, index in enumerate(shown):
        axes = figure.add_subplot(grid[place // COLUMNS, place % COLUMNS])  # type: ignore[index]
        axes.imshow(np.asarray(fan.pictures[index]))
        axes.set(xticks=[], yticks=[])
        group = int(fan.groups[index])
        for side in axes.spines.values():
            side.set(color=colour(group), linewidth=3)
        said = "the run" if index == 0 else f"{fan.final[index - 1]:.2g} away"
        axes.set_title(f"{said}" + (f" · {group + 1}" if fan.endings > 1 else ""), fontsize=8)
