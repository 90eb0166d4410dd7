"""Guidance to look at: how much and in which direction, where in the picture, and the picture without it.

Needs the extra `plots`: pip install garasu[plots].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image

from garasu.glass.guidance import GuidanceReport, evenly
from garasu.glass.overlay import OKABE_ITO, heated, inscribe, panel
from garasu.model import StableDiffusion

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, DPI = 12.0, 100  # inches, and pixels an inch
_EDGE, _NAMES = 0.15, 1.0  # inches: around the page, and for a row's name
_TITLE, _CURVES, _ROOM, _CAPTION = 0.55, 2.9, 0.35, 0.75  # inches, heights
_SHOWN = 8  # steps that are decoded


def guidance_figure(sd: StableDiffusion, report: GuidanceReport, steps: Sequence[int] = (), title: str = "") -> Figure:
    """One page, 1200 pixels wide; save it with `figure.savefig("guidance.png")`.

    Above, what guidance adds at each step and its angles. Below, at ``steps`` (else eight of all), the clean picture
    that the sampler was told, the one that the prompt alone would have told it of the same latent, and where the two
    predictions differ: from nothing (dark) to the most of that step (bright), over the guided picture.

    Raises:
        RecordError: a step whose predictions were not kept.
    """
    from matplotlib.figure import Figure

    shown = [report.at(step) for step in steps or evenly(report.steps, _SHOWN)]
    guided, alone = (sd.decode_each(latents[shown]) for latents in (report.x0_guided, report.x0_alone))
    maps = [heated(picture, report.maps[index], low=0) for picture, index in zip(guided, shown, strict=True)]
    width = min(2.0, (WIDTH - _NAMES - _EDGE) / len(shown))
    height = width * guided[0].height / guided[0].width
    figure = Figure(figsize=(WIDTH, _TITLE + _CURVES + _ROOM + 3 * height + _CAPTION), dpi=DPI)
    _draw_norm(panel(figure, _NAMES, _TITLE + 0.3, 4.6, _CURVES - 1.0), report)
    _draw_angles(panel(figure, _NAMES + 5.6, _TITLE + 0.3, 4.6, _CURVES - 1.0), report)
    top = _TITLE + _CURVES + _ROOM - 0.05
    rows = (("with\nguidance", guided), ("without:\nthe prompt\nalone", alone), ("where", maps))
    for row, (name, pictures) in enumerate(rows):
        for column, picture in enumerate(pictures):
            axes = panel(figure, _NAMES + column * width, top + row * height, width - 0.04, height - 0.04)
            _draw_picture(axes, picture, f"step {report.steps[shown[column]]}" if row == 0 else "")
            if column == 0:
                axes.text(-0.06, 0.5, name, transform=axes.transAxes, ha="right", va="center", fontsize=9)
    inscribe(figure, title, caption(report))
    return figure


def caption(report: GuidanceReport) -> str:
    """What one sees, in one sentence."""
    most = int(report.norm.argmax())
    halves = report.maps.flatten(1).mean(0).sort(descending=True).values.cumsum(0)
    part = float((halves < halves[-1] / 2).sum() + 1) / len(halves)
    return (
        f"The two predictions differ most at step {report.steps[most]}, by {report.norm[most]:.3f} (root mean square) "
        f"and {report.angle[most]:.0f}°, and by {report.norm.median():.3f} and {report.angle.median():.1f}° at half of "
        f"the steps or more; half of all that guidance adds falls on {part:.0%} of the picture; it stands at "
        f"{report.across.min():.0f}° to {report.across.max():.0f}° to the negative prediction."
    )


def _draw_picture(axes: Axes, picture: Image.Image, title: str) -> None:
    axes.imshow(picture, interpolation="bilinear")
    axes.set_axis_off()
    if title:
        axes.set_title(title, fontsize=9, pad=3)


def _draw_norm(axes: Axes, report: GuidanceReport) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.plot(report.steps, report.norm.tolist(), color=OKABE_ITO[0], marker=".")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="step", ylabel="root mean square of $ε_c − ε_u$", ylim=(0, None))
    axes.set_title("How much the prompt changes the prediction", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_angles(axes: Axes, report: GuidanceReport) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.plot(report.steps, report.angle.tolist(), color=OKABE_ITO[0], marker=".", label="$ε_c$ and $ε_u$")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.plot(report.steps, report.across.tolist(), color=OKABE_ITO[3], linestyle="--", label="$ε_c − ε_u$ and $ε_u$")
    axes.axhline(90, color="#999999", linewidth=0.8)
    axes.set(xlabel="step", ylabel="degrees", ylim=(0, 180), yticks=(0, 45, 90, 135, 180))
    axes.set_title("Angles", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
