"""Pens: a style is a pen. All geometry goes through one, so a new style needs no drawing code of its own."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import skia
from numpy.typing import NDArray

from garasu.world.colors import Color, clamp, is_dark

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]  # left, top, right, bottom in px; right and bottom lie outside


def color4f(color: Color, alpha: float = 1.0) -> skia.Color4f:
    """skia's colour for ours."""
    red, green, blue = clamp(color)
    return skia.Color4f(red / 255, green / 255, blue / 255, alpha)


class Pen:
    """The flat style, and what every pen can do. Lengths in px of the picture; `unit` is 1 at a shorter side of 128."""

    paper: Color = (255, 255, 255)
    outline: Color = (40, 34, 40)
    sky: Color = (170, 212, 245)
    smooth = True
    thickness = 1.2  # of outlines, in units

    def __init__(self, canvas: skia.Canvas, rng: random.Random, unit: float) -> None:
        self.canvas = canvas
        self.rng = rng
        self.unit = unit
        self.faces: list[Box] = []  # where faces have been drawn; a box may reach over the picture's edge

    @classmethod
    def cell(cls, unit: float) -> int:
        """Side in px of the squares that the picture consists of."""
        return 1

    def edge(self, color: Color) -> Color:
        """The outline around an area of this colour: lighter around black, so that a black cat keeps its shape."""
        return (112, 107, 120) if is_dark(color) else self.outline

    def paint(self, color: Color, alpha: float = 1.0) -> skia.Paint:
        """How areas are painted."""
        return skia.Paint(AntiAlias=self.smooth, Color4f=color4f(color, alpha))

    def stroke(self, color: Color, width: float, alpha: float = 1.0) -> skia.Paint:
        """How lines are painted: round ends and corners."""
        paint = self.paint(color, alpha)
        paint.setStyle(skia.Paint.kStroke_Style)
        paint.setStrokeWidth(max(width, 0.8))
        paint.setStrokeCap(skia.Paint.kRound_Cap)
        paint.setStrokeJoin(skia.Paint.kRound_Join)
        return paint

    def fill(self, path: skia.Path, color: Color, *, outlined: bool = True, far: bool = False) -> None:
        """An area; `far` in the background, where some pens press less."""
        self.canvas.drawPath(path, self.paint(color))
        if outlined:
            self.line(path, self.edge(color), self.thickness * self.unit, far=far)

    def line(self, path: skia.Path, color: Color, width: float, *, far: bool = False) -> None:
        """A line along the path."""
        self.canvas.drawPath(path, self.stroke(color, width))

    def detail(self, path: skia.Path, color: Color, width: float) -> None:
        """A line that a coarse pen may leave out, such as whiskers."""
        self.line(path, color, width)

    def adorn(self, width: int, height: int) -> None:
        """What the style puts between the background and the subject."""

    def finish(self, pixels: Pixels, rng: random.Random) -> Pixels:
        """The last touch on the whole picture [H, W, 3]."""
        return pixels


class PixelPen(Pen):
    """Pixel art: squares of 4 px at 128, hard edges."""

    smooth = False

    @classmethod
    def cell(cls, unit: float) -> int:
        """Four px at a shorter side of 128."""
        return max(1, round(4 * unit))

    def stroke(self, color: Color, width: float, alpha: float = 1.0) -> skia.Paint:
        """At least about a square wide."""
        return super().stroke(color, max(width, 0.85 * self.cell(self.unit)), alpha)

    def detail(self, path: skia.Path, color: Color, width: float) -> None:
        """Left out: a whisker would become a bar."""

    def finish(self, pixels: Pixels, rng: random.Random) -> Pixels:
        """Each px of the coarse picture becomes a square."""
        cell = self.cell(self.unit)
        return pixels.repeat(cell, 0).repeat(cell, 1)


def snapshot(surface: Any) -> Pixels:
    """What has been drawn so far, [H, W, 3]."""
    pixels: Pixels = surface.makeImageSnapshot().toarray(colorType=skia.ColorType.kRGBA_8888_ColorType)
    return np.ascontiguousarray(pixels[..., :3])
