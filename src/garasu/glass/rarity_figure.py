"""The picture of a rarity: how narrow cosines lie around 0, and how far out a given one is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from garasu.glass.rarity import Rarity, log_density, rarity

if TYPE_CHECKING:  # an extra
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BESIDE = ((3, "#E69F00"), (16, "#009E73"), (128, "#56B4E9"))  # Okabe and Ito's colours, told apart by everyone
_OWN = "#0072B2"
_MARK = "#D55E00"
_RAREST = 15  # powers of ten, unless the marked one is rarer


def figure(one: Rarity, drawn: NDArray[np.floating] | None = None) -> Figure:
    """Left the density of cosines, right how rare each is; few dimensions beside those of `one`.

    Args:
        drawn: simulated cosines in the same number of dimensions: a histogram on the left, dots on the right.
    """
    from matplotlib.figure import Figure

    page = Figure(figsize=(11, 4.6), layout="constrained")
    left, right = page.subplots(1, 2)
    curves = [*((float(n), color) for n, color in _BESIDE if n != one.dimensions), (one.dimensions, _OWN)]
    _densities(left, curves, one, drawn)
    _tails(right, curves, one, drawn)
    page.suptitle(str(one), fontsize=12)
    return page


def _densities(axes: Axes, curves: list[tuple[float, str]], one: Rarity, drawn: NDArray[np.floating] | None) -> None:
    x = np.linspace(-0.999, 0.999, 1999)
    if drawn is not None:
        bins = np.linspace(drawn.min(), drawn.max(), 41).tolist()
        axes.hist(drawn, bins, density=True, color=_OWN, alpha=0.3, label=f"{len(drawn):,} drawn")
    for n, color in curves:
        axes.plot(x, [math.exp(log_density(c, n)) for c in x], color=color, label=f"{n:g} dimensions")
    axes.axvline(one.cosine, color=_MARK, linestyle="--", label=f"cosine {one.cosine:.4g}")
    axes.set(xlabel="cosine of two random directions", ylabel="density", xlim=(-1, 1), ylim=(0, None))
    axes.set_title("The more dimensions, the nearer to 0", fontsize=10)
    axes.legend(frameon=False)


def _tails(axes: Axes, curves: list[tuple[float, str]], one: Rarity, drawn: NDArray[np.floating] | None) -> None:
    x = np.linspace(0, 0.9999, 400)
    top = max(_RAREST, -_log10(abs(one.cosine), one) * 1.1) if abs(one.cosine) < 1 else _RAREST
    for n, color in curves:
        rarities = [rarity(c, n, two_sided=one.two_sided).log_probability / -math.log(10) for c in x]
        axes.plot(x, rarities, color=color, label=f"{n:g} dimensions")
    if drawn is not None:
        ordered = np.sort(np.abs(drawn) if one.two_sided else drawn)[::-1]  # the k-th is reached by k of them
        ranks = np.unique(np.geomspace(1, len(ordered), 40).astype(int))
        shown = ranks[ordered[ranks - 1] >= 0]
        axes.plot(ordered[shown - 1], np.log10(len(ordered) / shown), "o", color=_OWN, alpha=0.5, markersize=4)
    if 0 <= one.cosine < 1:
        axes.plot([one.cosine], [-one.log_probability / math.log(10)], "D", color=_MARK, markersize=8)
    axes.set(xlabel="cosine, or greater", ylabel="one random direction in …", xlim=(0, 1), ylim=(0, top))
    axes.yaxis.set_major_formatter(lambda power, _: f"$10^{{{power:g}}}$")
    axes.set_title("How rare it is to come as near", fontsize=10)


def _log10(cosine: float, one: Rarity) -> float:
    return rarity(cosine, one.dimensions, two_sided=one.two_sided).log_probability / math.log(10)
