"""The trade of steps against time to look at.

Needs the extra `plots`: pip install garasu[plots].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from garasu.glass.drawing import COLOURS, WIDTH, log_labels, page, parts, show_picture
from garasu.glass.steps import StepsPoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKS = "osD^vP"
_CURVES = 4.2  # inches
_LITTLE = 5.0  # levels of 255: hardly seen between two pictures one looks at in turn


def steps_figure(points: Sequence[StepsPoint], title: str = "") -> Figure:
    """Distance to each sampler's result in the most steps over steps, and over seconds; beneath, every picture."""
    from matplotlib.ticker import LogLocator, NullFormatter

    rows = _by_sampler(points)
    columns = max(map(len, rows))
    picture = points[0].picture
    cell = (WIDTH - 0.5) / columns * picture.height / picture.width + 0.5
    figure = page(_CURVES + len(rows) * cell + 1.2, title, caption(points))
    top, bottom = parts(figure, [_CURVES, len(rows) * cell])
    left, right = top.subplots(1, 2, sharey=True)
    for index, row in enumerate(rows):
        _draw_curves(left, right, row[:-1], row[-1], index)
    left.set(xscale="log", yscale="log", xlabel="steps", ylabel="distance of the finished latent, r.m.s.")
    right.set(xscale="log", xlabel="seconds, on this machine; the numbers are steps")
    counts = sorted({point.steps for row in rows for point in row[:-1]})
    left.set_xticks(counts, [str(count) for count in counts])
    right.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    right.xaxis.set_major_formatter("{x:g}")
    log_labels(left)
    left.legend(frameon=False, fontsize=9)
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.xaxis.set_minor_formatter(NullFormatter())
    for row, line in zip(rows, bottom.subplots(len(rows), columns, squeeze=False), strict=True):
        for axes in line[len(row) :]:
            axes.axis("off")
        for point, axes in zip(row, line, strict=False):
            show_picture(
                axes, point.picture, f"{_counted(point.steps)}, {point.seconds:.2g} s\n{point.levels:.1f} levels"
            )
        line[0].set_ylabel(row[0].sampler)
    return figure


def caption(points: Sequence[StepsPoint]) -> str:
    """In how many steps, and in which share of the time, how near one comes, in one sentence."""
    first, *others = _by_sampler(points)
    ends = [
        f"{_near(row)}, whose result lies {row[-1].from_first:.2g} (r.m.s.) from that of {first[-1].sampler}"
        for row in others
    ]
    said = "; ".join([_near(first), *ends])
    return f"{said[0].upper()}{said[1:]}."


def _near(row: Sequence[StepsPoint]) -> str:
    """Of one sampler: the fewest steps that hardly differ from the most."""
    *fewer, end = row
    enough = next((point for point in fewer if point.levels <= _LITTLE), None)
    if enough is None:
        return f"no fewer than {_counted(end.steps)} of {end.sampler} come within {_LITTLE:g} levels of its picture"
    return (
        f"{_counted(enough.steps)} of {enough.sampler} come within {enough.levels:.1f} of 255 levels of the picture of "
        f"{end.steps}, in {enough.seconds / end.seconds:.0%} of the time"
    )


def _counted(steps: int) -> str:
    return "1 step" if steps == 1 else f"{steps} steps"


def _by_sampler(points: Sequence[StepsPoint]) -> list[list[StepsPoint]]:
    """The points of each sampler, fewest steps first."""
    names = dict.fromkeys(point.sampler for point in points)
    return [sorted((one for one in points if one.sampler == name), key=lambda one: one.steps) for name in names]


def _draw_curves(left: Axes, right: Axes, row: Sequence[StepsPoint], end: StepsPoint, index: int) -> None:
    style: dict[str, Any] = {
        "color": COLOURS[index % len(COLOURS)],
        "marker": _MARKS[index % len(_MARKS)],
        "markersize": 5,
    }
    distances = [point.distance for point in row]
    left.plot([point.steps for point in row], distances, label=f"{end.sampler}, to its {end.steps} steps", **style)
    right.plot([point.seconds for point in row], distances, **style)
    for point in row:
        right.annotate(
            str(point.steps), (point.seconds, point.distance), (5, 5), textcoords="offset points", fontsize=8.5
        )
