"""Heat over a picture, and where on a page in inches it stands, between a title and what one sees."""

from __future__ import annotations

from textwrap import fill, shorten
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

if TYPE_CHECKING:  # an extra
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#F0E442")
HEAT = "viridis"
_EDGE = 0.15  # inches beside a title
_TITLE_LETTERS, _LETTERS = 6.7, 11.5  # in an inch of a title, and of a caption
_SHOWN = 0.65  # how much of the heat is seen, and not of the picture below it


def inscribe(figure: Figure, title: str, caption: str) -> None:
    """A title above, cut where it is longer than the page is wide, and what one sees beneath."""
    across, down = figure.get_size_inches()
    named = shorten(title, int(across * _TITLE_LETTERS), placeholder=" …")
    figure.text(_EDGE / across, 1 - 0.12 / down, named, va="top", fontsize=15, fontweight="bold")
    figure.text(_EDGE / across, 0.1 / down, fill(caption, int(across * _LETTERS)), va="bottom", fontsize=10.5)


def panel(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes by their place in inches from the left and from the top."""
    across, down = figure.get_size_inches()
    return figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))


def heated(picture: Image.Image, heat: Tensor, low: float | None = None, high: float | None = None) -> Image.Image:
    """A map [h, w] laid over a picture in gray, in viridis from its least value (or ``low``) to its greatest."""
    from matplotlib import colormaps

    low, high = (float(heat.min()) if low is None else low), (float(heat.max()) if high is None else high)
    values = ((heat.float() - low) / max(high - low, 1e-12)).clamp(0, 1)
    enlarged = torch.nn.functional.interpolate(
        values[None, None], size=(picture.height, picture.width), mode="bicubic", align_corners=False
    )
    colors: NDArray[np.float64] = colormaps[HEAT](enlarged[0, 0].clamp(0, 1).numpy())[..., :3]
    gray = np.asarray(picture.convert("L"), dtype=np.float64)[..., None] / 255
    return Image.fromarray((255 * (_SHOWN * colors + (1 - _SHOWN) * gray)).round().astype(np.uint8))
