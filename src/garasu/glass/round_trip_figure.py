"""The VAE's round trip to look at.

Needs the extra `plots`: pip install garasu[plots].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from garasu.glass.drawing import COLOURS, WIDTH, page, parts, show_picture
from garasu.glass.round_trip import RoundTrip, averaged
from garasu.images.convert import to_tensor

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLES = ("-", "--", "-.", ":")
_CURVES = 4.0  # inches
_TIMES = (1, 2, 4, 8, 16, 32, 64)
_SEEN = 0.995  # of all differences are within the colours' range


def round_trip_figure(
    trips: Sequence[RoundTrip], times: float | None = None, factor: int = 8, title: str = "Through the VAE and back"
) -> Figure:
    """Original, decoded and their difference for each VAE; beneath, their spectra, and what is wrong at each frequency.

    Args:
        trips: of one picture through one VAE or several.
        times: how many times the difference is shown; chosen by its size when not given.
        factor: pixels to a side of a cell of the latent.
    """
    times = times or _fitting_times(trips)
    means = averaged(trips[0].original, factor)
    ratio = trips[0].original.height / trips[0].original.width
    cell = min(4.2, (WIDTH - 0.4) / 3 * ratio)
    rows = len(trips) * (cell + 0.35)
    figure = page(rows + _CURVES + 1.1, title, caption(trips, means, factor))
    top, bottom = parts(figure, [rows, _CURVES])
    for trip, line in zip(trips, top.subplots(len(trips), 3, squeeze=False), strict=True):
        show_picture(line[0], trip.original, "original")
        show_picture(line[1], trip.decoded, f"{trip.name}, {trip.psnr:.1f} dB")
        show_picture(line[2], trip.difference(times), f"difference, {times:g} times")
    left, right = bottom.subplots(1, 2)
    _draw_power(left, trips, means)
    _draw_wrong(right, trips, means)
    for axes in (left, right):
        axes.axvline(0.5 / factor, color="0.5", linestyle=":", linewidth=1.2)
        axes.set(xscale="log", xlabel=f"cycles a pixel (dotted: the finest that a grid of {factor}×{factor} can hold)")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=9)
    return figure


def caption(trips: Sequence[RoundTrip], means: RoundTrip, factor: int = 8) -> str:
    """How much is wrong below and above what the latent's own grid can hold, in one sentence."""
    edge = 0.5 / factor
    said = [
        f"{trip.name} gets {_percent(trip.wrong(0, edge))} of the picture's power wrong below {edge:.3g} cycles a "
        f"pixel and {_percent(trip.wrong(edge, 1))} above ({trip.psnr:.1f} dB)"
        for trip in trips
    ]
    own = f"the mean colours of {factor}×{factor} pixels would get"
    below, above = _percent(means.wrong(0, edge)), _percent(means.wrong(edge, 1))
    return f"{'; '.join(said)}; {own} {below} and {above} wrong ({means.psnr:.1f} dB)."


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.0f} %"


def _fitting_times(trips: Sequence[RoundTrip]) -> int:
    """The largest that leaves nearly all differences within the colours' range."""
    differences = torch.cat([(to_tensor(one.decoded) - to_tensor(one.original)).abs().flatten() for one in trips])
    ordered = differences.sort().values
    most = float(ordered[int(_SEEN * (len(ordered) - 1))])
    return max(one for one in _TIMES if one == 1 or one * most <= 1)


def _draw_power(axes: Axes, trips: Sequence[RoundTrip], means: RoundTrip) -> None:
    first = trips[0]
    axes.plot(first.frequency[1:], first.power[1:], color="black", linewidth=1.8, label="the picture")
    for one, style in _styled(trips, means):
        axes.plot(one.frequency[1:], one.error[1:].clamp_min(1e-12), label=f"error of {one.name}", **style)
    axes.set(yscale="log", ylabel="power, pixels from −1 to 1")


def _draw_wrong(axes: Axes, trips: Sequence[RoundTrip], means: RoundTrip) -> None:
    for one, style in _styled(trips, means):
        axes.plot(one.frequency[1:], (one.error / one.power)[1:], label=one.name, **style)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set(yscale="log", ylabel="power of the error ÷ the picture's")


def _styled(trips: Sequence[RoundTrip], means: RoundTrip) -> list[tuple[RoundTrip, dict[str, Any]]]:
    drawn = [
        (one, {"color": COLOURS[index % len(COLOURS)], "linestyle": _STYLES[index % len(_STYLES)], "linewidth": 1.5})
        for index, one in enumerate(trips)
    ]
    return [*drawn, (means, {"color": "0.6", "linewidth": 1.2})]
