"""What the figures of paths have in common."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from garasu.glass.paths.path import Floats, Path
from garasu.model import StableDiffusion

if TYPE_CHECKING:  # an extra
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, DPI = 12.0, 100  # inches, and pixels an inch
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")  # Okabe and Ito's
SHOWN = 6  # steps of a strip, besides the end

Strip = tuple[tuple[int, ...], list[list[Image.Image]]]


def colour(index: int) -> str:
    """Of a path or a group."""
    return COLOURS[index % len(COLOURS)]


def strip(sd: StableDiffusion, paths: Sequence[Path], count: int = SHOWN) -> Strip:
    """Which steps are shown, and of each path its x0 decoded there and its end, in a row."""
    steps = len(paths[0].sigma)
    shown = tuple(dict.fromkeys(round(index * (steps - 1) / (count - 1)) for index in range(min(count, steps))))
    rows = [[*sd.decode_each(one.x0[list(shown)]), *sd.decode_each(one.finished[None])] for one in paths]
    return shown, rows


def draw_strip(axes: Axes, made: Strip, labels: Sequence[str], sigma: Floats, colours: Sequence[str]) -> None:
    """The rows of pictures, with the noise level above each column and a label before each row."""
    shown, rows = made
    width, height = rows[0][0].size
    gap = max(2, width // 24)
    page = Image.new("RGB", (len(rows[0]) * (width + gap) - gap, len(rows) * (height + gap) - gap), "white")
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            page.paste(picture, (column * (width + gap), row * (height + gap)))
    axes.imshow(np.asarray(page), interpolation="lanczos")
    titles = [*(f"x0 at σ {sigma[step]:.3g}" for step in shown), "the end"]
    axes.set_xticks([column * (width + gap) + width / 2 for column in range(len(titles))], titles, fontsize=9)
    axes.set_yticks([row * (height + gap) + height / 2 for row in range(len(rows))], list(labels), fontsize=9)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    for row, tick in enumerate(axes.get_yticklabels()):
        tick.set_color(colours[row])


def noise_axis(axes: Axes, sigma: Floats) -> None:
    """σ from much noise on the left to little on the right."""
    axes.set(xscale="log", xlim=(float(sigma[0]), float(sigma[-1])), xlabel="σ, from noise to picture")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def finish(figure: Figure, title: str, caption: str) -> None:
    """A title above, and one sentence below."""
    figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
    figure.supxlabel(fill(caption, 150), x=0.01, ha="left", fontsize=10)


def listed(labels: Sequence[str], longest: int = 28) -> list[str]:
    """Labels, cut where they are long."""
    return [one if len(one) <= longest else f"{one[: longest - 1]}…" for one in labels]
