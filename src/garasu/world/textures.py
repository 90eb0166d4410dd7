"""Fixed textures: pencil hatching as tiles with alpha, grain and blotches as arrays. Each is a function of its name."""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import skia
from numpy.typing import NDArray

TILE = 96  # px, side of a hatching tile
FIELD = 256  # px, side of a grain field


@cache
def hatching(step: float, width: float, seed: int) -> skia.Image:
    """A tile of nearly parallel, horizontal strokes, `step` px apart and about `width` px wide, black with alpha."""
    rng = random.Random(seed)
    surface = skia.Surface(TILE, TILE)
    canvas = surface.getCanvas()
    canvas.clear(0)
    paint = skia.Paint(AntiAlias=True, Style=skia.Paint.kStroke_Style)
    for index in range(int(TILE / step)):
        y = index * step + rng.uniform(-0.6, 0.6)
        paint.setStrokeWidth(width * rng.uniform(0.6, 1.3))
        paint.setColor4f(skia.Color4f(0, 0, 0, rng.uniform(0.55, 1)))
        canvas.drawLine(-2, y, TILE + 2, y + rng.uniform(-0.8, 0.8), paint)
    return surface.makeImageSnapshot()


@cache
def grain() -> NDArray[np.float32]:
    """White noise of unit variance [256, 256, 1]."""
    return np.random.default_rng(0).normal(0, 1, (FIELD, FIELD, 1)).astype(np.float32)


@cache
def blotches() -> NDArray[np.float32]:
    """Soft, periodic noise of unit variance [256, 256, 1]: how pigment settles."""
    noise = np.random.default_rng(1).normal(0, 1, (FIELD, FIELD))
    rows, columns = np.fft.fftfreq(FIELD)[:, None], np.fft.fftfreq(FIELD)[None]
    smooth = np.real(np.fft.ifft2(np.fft.fft2(noise) * np.exp(-(rows**2 + columns**2) * 5000)))
    return (smooth / smooth.std())[..., None].astype(np.float32)


def field_at(field: NDArray[np.float32], height: int, width: int, rng: random.Random) -> NDArray[np.float32]:
    """[height, width, 1] of the field from a random place on, repeated where the picture is larger."""
    rows = (np.arange(height) + rng.randrange(FIELD)) % FIELD
    columns = (np.arange(width) + rng.randrange(FIELD)) % FIELD
    return field[rows[:, None], columns[None]]
