"""Watercolor, Munch and Kandinsky: paint that runs, strokes along a flow, and heavy outlines before geometry."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np
import skia
from numpy.typing import NDArray

from garasu.world.colors import Color, mix, vary
from garasu.world.pens import Pen, Pixels, color4f, snapshot
from garasu.world.shapes import ellipse, polygon
from garasu.world.textures import blotches, field_at, grain

Floats = NDArray[np.float64]


class WatercolorPen(Pen):
    """Two thin washes with soft, running edges on white paper; no ink."""

    paper = (253, 252, 248)

    def fill(self, path: skia.Path, color: Color, *, outlined: bool = True, far: bool = False) -> None:
        """Two washes, and in front a rim of pigment."""
        wash = mix(color, (255, 255, 255), 0.1)
        for _ in range(2):
            paint = self.paint(vary(wash, self.rng, 5), 0.58 if far else 0.7)
            seed = self.rng.randrange(1 << 30)
            paint.setPathEffect(skia.DiscretePathEffect.Make(8 * self.unit, 1.3 * self.unit, seed))
            paint.setMaskFilter(self._blur(1.5 if far else 0.7))
            self.canvas.drawPath(path, paint)
        if outlined and not far:  # pigment gathers at the rim of a wash
            self.line(path, mix(color, (20, 20, 40), 0.4), 1.1 * self.unit)

    def line(self, path: skia.Path, color: Color, width: float, *, far: bool = False) -> None:
        """A soft brush line."""
        paint = self.stroke(color, width * 1.15, 0.75)
        paint.setMaskFilter(self._blur(0.5))
        self.canvas.drawPath(path, paint)

    def _blur(self, radius: float) -> skia.MaskFilter:
        return skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, radius * self.unit)

    def finish(self, pixels: Pixels, rng: random.Random) -> Pixels:
        """Pigment settles in blotches and grains."""
        height, width, _ = pixels.shape
        settled = pixels + 7 * field_at(blotches(), height, width, rng) + 2 * field_at(grain(), height, width, rng)
        return settled.clip(0, 255).astype(np.uint8)


class MunchPen(Pen):
    """Edvard Munch: an orange sky, and the whole picture painted over with strokes that follow a swirling flow."""

    outline = (30, 26, 50)
    sky = (238, 138, 62)

    def finish(self, pixels: Pixels, rng: random.Random) -> Pixels:
        """Strokes in the picture's own colours, over the picture."""
        height, width, _ = pixels.shape
        surface = skia.Surface(width, height)
        canvas = surface.getCanvas()
        opaque = np.dstack([pixels, np.full((height, width, 1), 255, np.uint8)])
        canvas.drawImage(skia.Image.fromarray(opaque, skia.ColorType.kRGBA_8888_ColorType), 0, 0)
        paint = self.stroke(self.outline, 1)
        for x, y, color, wide in _strokes(pixels, self.unit, np.random.default_rng(rng.randrange(1 << 30)), rng):
            path = skia.Path()
            path.moveTo(x[0], y[0])
            path.quadTo(x[1], y[1], x[2], y[2])
            paint.setColor(color)
            paint.setStrokeWidth(wide)
            canvas.drawPath(path, paint)
        return snapshot(surface)


def _flow(rng: random.Random, unit: float) -> Callable[[Floats, Floats], Floats]:
    """A swirling field of directions in radians over px."""
    fast, slow = rng.uniform(0.026, 0.046) / unit, rng.uniform(0.03, 0.05) / unit
    first, second = rng.uniform(0, 6.3), rng.uniform(0, 6.3)

    def direction(x: Floats, y: Floats) -> Floats:
        swirl: Floats = 1.6 * np.sin(fast * x + first + 1.5 * np.sin(slow * y + second))
        return swirl + 0.5 * np.sin(slow * x - second)

    return direction


def _strokes(
    pixels: Pixels, unit: float, noise: np.random.Generator, rng: random.Random
) -> list[tuple[tuple[float, ...], tuple[float, ...], int, float]]:
    """Strokes as (three x, three y, 0xAARRGGBB, width). Those that would cross an edge are left out: faces stay."""
    height, width, _ = pixels.shape
    count = int(height * width / (40 * unit * unit))
    direction = _flow(rng, unit)
    x = [noise.uniform(0, width, count)]
    y = [noise.uniform(0, height, count)]
    step = noise.uniform(5, 10, count) * unit
    for _ in range(2):
        angle = direction(x[-1], y[-1])
        x.append(x[-1] + step * np.cos(angle))
        y.append(y[-1] + step * np.sin(angle))
    under = [_sample(pixels, px, py) for px, py in zip(x, y, strict=True)]
    keep = (np.abs(under[0] - under[1]).sum(1) < 60) & (np.abs(under[0] - under[2]).sum(1) < 60)
    shades = under[0] + noise.normal(0, 14, (count, 3)) + noise.normal(0, 9, (count, 1))
    red, green, blue = shades.clip(0, 255).astype(np.int64).T
    colors = 0xFF000000 | (red << 16) | (green << 8) | blue
    wide = noise.uniform(1.1, 2.3, count) * unit
    xs, ys = np.stack(x, 1)[keep].tolist(), np.stack(y, 1)[keep].tolist()
    return list(zip(xs, ys, colors[keep].tolist(), wide[keep].tolist(), strict=True))


def _sample(pixels: Pixels, x: Floats, y: Floats) -> NDArray[np.int16]:
    height, width, _ = pixels.shape
    rows, columns = y.clip(0, height - 1).astype(int), x.clip(0, width - 1).astype(int)
    return pixels[rows, columns].astype(np.int16)


class KandinskyPen(Pen):
    """Kandinsky: pale grounds, rings, triangles, arcs, bars and chequers behind a subject with a heavy outline."""

    paper = (246, 236, 210)
    outline = (10, 10, 10)
    thickness = 2.1
    palette: tuple[Color, ...] = (
        (220, 40, 40), (240, 190, 30), (30, 80, 190), (20, 20, 20), (40, 150, 110), (240, 120, 40), (130, 60, 150),
    )  # fmt: skip

    def fill(self, path: skia.Path, color: Color, *, outlined: bool = True, far: bool = False) -> None:
        """Vivid in front, pale behind, with heavy outlines."""
        gray = sum(color) / 3
        vivid = mix((gray, gray, gray), color, 1.25)
        self.canvas.drawPath(path, self.paint(vivid, 0.7 if far else 1))
        if outlined:
            self.line(path, self.edge(color), (1.0 if far else self.thickness) * self.unit)

    def adorn(self, width: int, height: int) -> None:
        """Nine geometric shapes, left and right in turn."""
        shapes = (self._rings, self._triangle, self._bars, self._arc, self._chequers)
        order = self.rng.sample(shapes, len(shapes)) + [self.rng.choice(shapes) for _ in range(4)]
        for index, shape in enumerate(order):
            side = index % 2  # left and right in turn: the subject covers the middle
            x = (self.rng.uniform(0.02, 0.34) if side else self.rng.uniform(0.66, 0.98)) * width
            shape(x, self.rng.uniform(0, 0.9) * height, self.rng.uniform(7, 15) * self.unit)

    def _color(self, alpha: float = 0.9) -> skia.Paint:
        return skia.Paint(AntiAlias=True, Color4f=color4f(self.rng.choice(self.palette), alpha))

    def _rings(self, x: float, y: float, size: float) -> None:
        for part in (1.0, 0.62, 0.3):
            self.canvas.drawPath(ellipse(x, y, size * part, size * part), self._color(1))

    def _triangle(self, x: float, y: float, size: float) -> None:
        turn = self.rng.uniform(0, 6.3)
        corners = ((x + size * 1.2 * math.cos(turn + a), y + size * 1.2 * math.sin(turn + a)) for a in (0, 2.2, 4.1))
        self.canvas.drawPath(polygon(*corners), self._color())

    def _bars(self, x: float, y: float, size: float) -> None:
        turn = self.rng.uniform(0, 3.14)
        dx, dy = 2.4 * size * math.cos(turn), 2.4 * size * math.sin(turn)
        paint = self._color()
        paint.setStrokeWidth(2 * self.unit)
        for shift in (-3.5 * self.unit, 0, 3.5 * self.unit):
            self.canvas.drawLine(x - dx, y - dy + shift, x + dx, y + dy + shift, paint)

    def _arc(self, x: float, y: float, size: float) -> None:
        paint = self._color()
        paint.setStyle(skia.Paint.kStroke_Style)
        paint.setStrokeWidth(2.6 * self.unit)
        box = skia.Rect.MakeLTRB(x - size * 1.4, y - size * 1.4, x + size * 1.4, y + size * 1.4)
        self.canvas.drawArc(box, self.rng.uniform(0, 360), self.rng.uniform(100, 200), False, paint)

    def _chequers(self, x: float, y: float, size: float) -> None:
        side = size * 0.5
        dark, light = self._color(), skia.Paint(Color4f=color4f((250, 250, 245)))
        for index in range(9):
            row, column = divmod(index, 3)
            square = skia.Rect.MakeXYWH(x + (column - 1.5) * side, y + (row - 1.5) * side, side, side)
            self.canvas.drawRect(square, dark if index % 2 else light)
