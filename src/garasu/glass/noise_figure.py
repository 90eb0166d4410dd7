"""A run's noise to look at: spectra, where they depart from the schedule, and distributions.

Needs the extra `plots`: pip install garasu[plots].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from garasu.glass.drawing import COLOURS, SIGNED, page, parts
from garasu.glass.noise import NoiseReport, expected_density, measure_noise
from garasu.glass.picture_walk import PictureWalk

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_MEASURED, _EXPECTED, _NORMAL = COLOURS[0], COLOURS[1], "0.5"
_REACH = 2.0  # powers of two of the map's colours
_EDGE, _BINS = 4.2, 42  # of the histograms


def noise_figure(walk: PictureWalk, steps: Sequence[int] | None = None) -> Figure:
    """Spectra at some steps (five when not given), where they depart at all steps, and the distribution of x."""
    steps = walk.steps(count=5) if steps is None else walk.steps(steps)
    report = measure_noise(walk)
    figure = page(9.2, walk.title, caption(report))
    top, bottom = parts(figure, [5, 3])
    left, right = top.subplots(1, 2)
    _draw_spectra(left, report, steps)
    top.colorbar(_draw_departure(right, report), ax=right, label="power of x ÷ the schedule's", ticks=[-2, -1, 0, 1, 2])
    top.axes[-1].set_yticklabels(["¼", "½", "1", "2", "4"])
    for axes, step in zip(bottom.subplots(1, len(steps), sharey=True, squeeze=False)[0], steps, strict=True):
        _draw_distribution(axes, walk, step)
    bottom.axes[0].set_ylabel("density of values of x ÷ √(1+σ²)")
    bottom.axes[0].legend(loc="upper left", frameon=False, fontsize=8)
    return figure


def caption(report: NoiseReport) -> str:
    """Where the run is what the schedule says, and where it is not, in one sentence."""
    departing, total = report.departing(), len(report.sigma)
    if not departing:
        return f"At all {total} steps x has the power of its finished latent with noise, at every frequency."
    away = report.times.log2().abs().where(report.surprising, torch.tensor(-1.0))
    step, ring = divmod(int(away.argmax()), away.shape[1])
    times, frequency = float(report.times[step, ring]), float(report.frequency[ring])
    where = "in its mean" if frequency == 0 else f"at {frequency:.2f} cycles a cell"
    return (
        f"The run departs from its finished latent with noise of the schedule at {len(departing)} of {total} steps "
        f"({_ranges(departing)}; dots: further than 99 of 100 noisings come anywhere), most at step {step} {where}, "
        f"where x has {times:.2g} times the power."
    )


def _ranges(steps: Sequence[int]) -> str:
    """0–4, 7, 20–24."""
    starts = [step for step in steps if step - 1 not in steps]
    ends = [step for step in steps if step + 1 not in steps]
    return ", ".join(f"{a}–{b}" if b > a else str(a) for a, b in zip(starts, ends, strict=True))


def _draw_spectra(axes: Axes, report: NoiseReport, steps: Sequence[int]) -> None:
    from matplotlib import colormaps

    x = report.frequency.numpy()
    for index, step in enumerate(steps):
        colour = colormaps["viridis"](0.9 * index / max(1, len(steps) - 1))
        low, high = (report.expected[step] + sign * report.spread[step] for sign in (-1, 1))
        axes.fill_between(x, low.clamp_min(1e-9), high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(x, report.expected[step], color=colour, linestyle="--", linewidth=1)
        axes.plot(x, report.measured[step], "o-", color=colour, markersize=3, label=_name(report, step))
    axes.set(yscale="log", xlabel="frequency, cycles a cell (first: the mean)", ylabel="power of x ÷ √(1+σ²)")
    axes.set_ylim(bottom=float(report.measured.min()) / 2)
    axes.set_title("Dashed: the finished latent with noise; the band: how much that varies", fontsize=10)
    axes.legend(frameon=False, fontsize=8.5)


def _draw_departure(axes: Axes, report: NoiseReport) -> AxesImage:
    rings, total = len(report.frequency), len(report.sigma)
    drawn = axes.imshow(
        report.times.log2().numpy(), cmap=SIGNED, vmin=-_REACH, vmax=_REACH, aspect="auto", interpolation="nearest"
    )
    where, ring = report.surprising.nonzero().unbind(1)
    axes.plot(ring, where, ".", color="black", markersize=3)
    shown = range(0, rings, max(1, rings // 8))
    axes.set_xticks(list(shown), [f"{report.frequency[index]:.2f}" for index in shown])
    levels = [round(index * (total - 1) / min(8, max(1, total - 1))) for index in range(min(8, total - 1) + 1)]
    axes.set_yticks(levels, [_name(report, step) for step in levels])
    axes.set_xlabel("frequency, cycles a cell")
    axes.set_title("Where the run departs from that", fontsize=10)
    return drawn


def _draw_distribution(axes: Axes, walk: PictureWalk, step: int) -> None:
    values, sigma = walk.scaled(step).flatten(), walk.sigma[step]
    x = torch.linspace(-_EDGE, _EDGE, 400)
    share = torch.full_like(values, _BINS / (2 * _EDGE) / len(values))  # of all values, those beyond the edges too
    axes.hist(
        values.numpy(),
        bins=_BINS,
        range=(-_EDGE, _EDGE),
        weights=share.numpy(),
        color=_MEASURED,
        alpha=0.45,
        label="the run",
    )
    density = expected_density(walk, step, x)
    axes.plot(x, density, color=_EXPECTED, linewidth=1.5, label="finished + noise")
    own = sigma / (1 + sigma**2) ** 0.5
    normal = (-(x / own).square() / 2).exp() / own / (2 * torch.pi) ** 0.5
    axes.plot(x, normal, color=_NORMAL, linestyle=":", linewidth=1.5, label="the noise alone")
    expected = ((walk.finished.square().mean() + sigma**2) / (1 + sigma**2)).sqrt().item()
    axes.set_title(
        f"step {step}, σ {sigma:.3g}\nr.m.s. {values.square().mean().sqrt().item():.2f} ({expected:.2f})", fontsize=9
    )
    axes.set(xlim=(-_EDGE, _EDGE), ylim=(0, 0.85))


def _name(report: NoiseReport, step: int) -> str:
    return f"step {step}, σ {report.sigma[step]:.3g}"
