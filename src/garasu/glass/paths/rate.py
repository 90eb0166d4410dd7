"""How fast paths that begin nearly together part: the finite-time Lyapunov exponent of a walk.

Of distances in the network's scale, ‖Δx‖/√(1+σ²), in which the walk of Gaussian data keeps every distance: what grows
there was made larger by the model. The rate is d ln(distance) / d(−ln σ): at 1, the distance doubles when σ halves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from garasu.glass.paths.path import Floats

STRAIGHT = 0.03  # root mean square of ln(distance) around the line: 3 %
SHORTEST = 5  # levels


@dataclass(frozen=True)
class Rate:
    """Where the distance grows exponentially, and how fast.

    ``rate``: slope of the mean of ln(distance) over −ln σ, by least squares between the levels ``first`` and ``last``
    (σ, falling); ``spread``: standard deviation of the single paths' slopes there; ``growth``: the factor by which
    the distance (geometric mean) grows on that stretch.
    """

    rate: float
    spread: float
    first: float
    last: float
    growth: float
    level: float  # the line's distance at σ = 1

    def __str__(self) -> str:
        return (
            f"{self.rate:+.2f} ± {self.spread:.2f} for each unit of ln sigma, between sigma {self.first:.3g} and "
            f"{self.last:.3g}, where the distance grows {self.growth:.3g}-fold"
        )


def fitted_rate(sigma: Floats, distances: Floats) -> Rate | None:
    """The rate on the stretch on which distances grow most among those on which they are exponential.

    Exponential is a stretch of `SHORTEST` levels or more on which the mean of ln(distance) keeps within `STRAIGHT`
    (root mean square) of a straight line over ln σ. None if there is no such stretch on which they grow.

    Args:
        sigma: [S], falling.
        distances: [N, S]; levels at which one of them is 0 are left out.
    """
    there = (distances > 0).all(axis=0)
    time, logs = -np.log(sigma[there]), np.log(distances[:, there])
    mean = logs.mean(axis=0)
    best: tuple[float, int, int] | None = None
    for first in range(len(time) - SHORTEST + 1):
        for last in range(first + SHORTEST - 1, len(time)):
            slope, error = _line(time[first : last + 1], mean[first : last + 1])
            grown = slope * (time[last] - time[first])
            if error <= STRAIGHT and grown > 0 and (best is None or grown > best[0]):
                best = grown, first, last
    if best is None:
        return None
    grown, first, last = best
    part = slice(first, last + 1)
    slopes = [float(np.polyfit(time[part], one[part], 1)[0]) for one in logs]
    rate, offset = np.polyfit(time[part], mean[part], 1)
    ends = np.exp(-time[[first, last]])
    return Rate(
        rate=float(rate),
        spread=float(np.std(slopes)),
        first=float(ends[0]),
        last=float(ends[1]),
        growth=float(np.exp(grown)),
        level=float(np.exp(offset)),
    )


def whole_rates(sigma: Floats, distances: Floats) -> Floats:
    """ln(last / first distance) for each unit of ln σ over the whole walk, [N]; NaN where a path began with none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = np.log(distances[:, -1] / distances[:, 0]) / np.log(sigma[0] / sigma[-1])
    return np.asarray(np.where(distances[:, 0] > 0, rates, np.nan))


def _line(x: Floats, y: Floats) -> tuple[float, float]:
    """Slope of the line of least squares, and the root mean square around it."""
    slope, offset = np.polyfit(x, y, 1)
    return float(slope), float(np.sqrt(np.mean((y - slope * x - offset) ** 2)))
