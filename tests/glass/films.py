"""Films whose every pixel is known."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 64


def places(count: int) -> list[float]:
    """Evenly from 0 to 1."""
    return np.linspace(0, 1, count).tolist()


def film(paint: Callable[[int], NDArray[np.float64]], count: int) -> list[Image.Image]:
    """The pictures that `paint` makes of the frames' indices, [H, W] in levels of 255, in gray."""
    levels = [np.clip(np.rint(paint(index)), 0, 255).astype(np.uint8) for index in range(count)]
    return [Image.fromarray(one).convert("RGB") for one in levels]


def scenery() -> NDArray[np.float64]:
    """A background with edges and slopes, [SIDE, SIDE], in 60…160."""
    y, x = np.mgrid[:SIDE, :SIDE]
    return 110 + 30 * np.sin(x / 5) + 20 * np.cos(y / 7)


def picture(share: float, side: int = 100) -> Image.Image:
    """A picture of which a share is white: two of them are 255 times as far apart as their shares."""
    pixels = np.zeros(side * side, np.uint8)
    pixels[: round(share * side * side)] = 255
    return Image.fromarray(pixels.reshape(side, side)).convert("RGB")
