"""Fixed textures: hatching and gouges as tiles with alpha, grain and blotches as arrays. Each depends on its name."""

from __future__ import annotations

import math
import random
from functools import cache

import numpy as np
import skia
from numpy.typing import NDArray

from garasu.world.shapes import Point, curve

TILE = 96  # px, side of a tile
_CUTS = 2  # gouge cuts end to end in a tile
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
def gouges(step: float, width: float, seed: int) -> skia.Image:
    """A tile of horizontal cuts that taper at both ends as a gouge's do, `width` px wide at most, black with alpha."""
    rng = random.Random(seed)
    surface = skia.Surface(TILE, TILE)
    canvas = surface.getCanvas()
    canvas.clear(0)
    for row in range(round(TILE / step)):
        start = rng.uniform(0, TILE)
        for part in range(_CUTS):
            x, long = start + part * TILE / _CUTS, TILE / _CUTS * rng.uniform(0.86, 1.04)
            y, half = (row + 0.5) * step + rng.uniform(-0.1, 0.1) * step, width / 2 * rng.uniform(0.8, 1.15)
            for left in (x - TILE, x):  # a cut that leaves the tile at the right comes back at the left
                canvas.drawPath(_cut(left, y, long, half), skia.Paint(AntiAlias=True))
    return surface.makeImageSnapshot()


def _cut(x: float, y: float, long: float, half: float) -> skia.Path:
    return curve((x, y), (x + long * 0.3, y - 2 * half), (x + long, y), (x + long * 0.5, y + 2 * half), (x, y))


def lay_tiles(
    canvas: skia.Canvas, path: skia.Path, tile: skia.Image, paint: skia.Paint, *, unit: float, turn: float, shift: Point
) -> None:
    """Cover an area with a tile at `unit` times its size, turned by degrees and shifted by tile px.

    Tiles are drawn one by one under a clip: an image shader costs ten times as much in skia-python.
    """
    bounds, (dx, dy) = path.getBounds(), shift
    reach = math.hypot(bounds.width(), bounds.height()) / 2 / unit
    canvas.save()
    canvas.clipPath(path, skia.ClipOp.kIntersect, True)
    canvas.translate(bounds.centerX(), bounds.centerY())
    canvas.rotate(turn)
    canvas.scale(unit, unit)
    sampling = skia.SamplingOptions(skia.FilterMode.kLinear)
    for left in range(math.floor((-reach + dx) / TILE) - 1, math.ceil((reach + dx) / TILE)):
        for top in range(math.floor((-reach + dy) / TILE) - 1, math.ceil((reach + dy) / TILE)):
            canvas.drawImage(tile, left * TILE + TILE - dx, top * TILE + TILE - dy, sampling, paint)
    canvas.restore()


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
