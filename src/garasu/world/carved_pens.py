"""Woodcut: black ink from a carved block on cream paper, and a second block with one tint."""

from __future__ import annotations

import random

import skia

from garasu.world.colors import Color, luminance
from garasu.world.pens import Pen, color4f
from garasu.world.textures import gouges, lay_tiles

CREAM: Color = (244, 233, 206)
BLOCK: Color = (26, 20, 20)
TINT: Color = (210, 92, 48)
_HATCHED = ((118, 3.2), (165, 2.2), (214, 1.1))  # up to a luminance: how wide the carved lines are, in units
_SOLID, _FAR_SOLID = 84, 102  # below this luminance an area is black, in front and in the background
_STEP = 5.4  # between carved lines, in units
_SMALLEST = 22  # units: a smaller area, such as an eye, is black, tinted or bare
_VIVID, _BRIGHT = 0.7, 90  # the second block prints what lacks that share of blue and is that light
_TINT_LIFT = 45  # a tint is dark enough to need finer lines
_PALE = 165  # a line of this luminance and more is carved out, a darker one is printed
_GRAY, _ON_BLACK = 30, (90, 118)  # what stands out against black fur: channels that near, a luminance between these
_GLEAM = 0.8  # units: lines carved into black
_BROAD = 5  # units: from here on a line is an area too, such as a tail


def _tinted(color: Color) -> bool:
    red, _, blue = color
    return red - blue > _VIVID * red and luminance(color) > _BRIGHT


class WoodcutPen(Pen):
    """Black and cream with nothing between: tones are lines that swell and taper; warm, vivid areas have the tint."""

    paper = CREAM
    outline = BLOCK
    thickness = 1.8

    def __init__(self, canvas: skia.Canvas, rng: random.Random, unit: float) -> None:
        super().__init__(canvas, rng, unit)
        self.angle = rng.uniform(20, 50) * rng.choice((-1, 1))

    def edge(self, color: Color) -> Color:
        """Black; carved out around black."""
        return CREAM if luminance(color) < _SOLID else BLOCK

    def fill(self, path: skia.Path, color: Color, *, outlined: bool = True, far: bool = False) -> None:
        """A black, bare or tinted ground, and lines carved into it."""
        light, tinted = luminance(color), _tinted(color)
        bounds = path.getBounds()
        small = min(bounds.width(), bounds.height()) < _SMALLEST * self.unit
        solid = light < (_HATCHED[0][0] if small else _FAR_SOLID if far else _SOLID) and not tinted
        self.canvas.drawPath(path, self.paint(BLOCK if solid else CREAM))
        if tinted:
            self._tint(path)
        if not small:
            self._carve(path, light + (_TINT_LIFT if tinted else 0), solid, far)
        if outlined:
            self.line(path, self.edge(color), (0.7 if far else 1) * self.thickness * self.unit, far=far)

    def _tint(self, path: skia.Path) -> None:
        """The second block, never quite in register."""
        self.canvas.save()
        self.canvas.translate(0.8 * self.unit, 0.5 * self.unit)
        self.canvas.drawPath(path, self.paint(TINT))
        self.canvas.restore()

    def _carve(self, path: skia.Path, light: float, solid: bool, far: bool) -> None:
        width = _GLEAM if solid else self._lines(light)
        if width == 0:
            return
        paint = skia.Paint(AntiAlias=False)
        ink = CREAM if solid else BLOCK
        paint.setColorFilter(skia.ColorFilters.Blend(color4f(ink).toColor(), skia.BlendMode.kSrcIn))
        shift = self.rng.uniform(0, 90), self.rng.uniform(0, 90)
        turn = self.rng.uniform(-4, 4) + (0 if far else self.angle + self.rng.uniform(-10, 10))
        tile = gouges(_STEP * (2 if solid else 1), width * (0.85 if far else 1), self.rng.randrange(4))
        lay_tiles(self.canvas, path, tile, paint, unit=self.unit, turn=turn, shift=shift)

    def _lines(self, light: float) -> float:
        """How wide the lines of a tone are, in units."""
        return next((width for top, width in _HATCHED if light < top), 0.0)

    def line(self, path: skia.Path, color: Color, width: float, *, far: bool = False) -> None:
        """A line with the knife's corners: printed, or carved out where it is pale."""
        block, wide = self._block(color), max(1.15 * width, 1.5 * self.unit)
        hatched = block is BLOCK and luminance(color) > _SOLID and wide > _BROAD * self.unit and not far
        paint = self.stroke(CREAM if hatched else block, wide)
        paint.setStrokeJoin(skia.Paint.kMiter_Join)
        bounds = path.getBounds()
        if max(bounds.width(), bounds.height()) > _SMALLEST * self.unit:
            seed = self.rng.randrange(1 << 30)
            paint.setPathEffect(skia.DiscretePathEffect.Make(9 * self.unit, 0.5 * self.unit, seed))
        self.canvas.drawPath(path, paint)
        if hatched:
            self._rings(path, wide, self._lines(luminance(color)))

    def _rings(self, path: skia.Path, wide: float, line: float) -> None:
        """Lines across a tail or a limb."""
        paint = self.stroke(BLOCK, wide)
        paint.setStrokeCap(skia.Paint.kButt_Cap)
        paint.setPathEffect(skia.DashPathEffect.Make([line * self.unit, (_STEP - line) * self.unit], 0))
        self.canvas.drawPath(path, paint)

    def _block(self, color: Color) -> Color:
        """Which block prints a line. A line in middle gray lies on black, so it is carved out."""
        if _tinted(color):
            return TINT
        light, gray = luminance(color), max(color) - min(color) < _GRAY
        return CREAM if light >= _PALE or (gray and _ON_BLACK[0] < light < _ON_BLACK[1]) else BLOCK
