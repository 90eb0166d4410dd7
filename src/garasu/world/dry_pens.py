"""Pencil, colored pencil and charcoal: a light ground, hatching over it, wobbling lines, grain."""

from __future__ import annotations

import random

import numpy as np
import skia

from garasu.world.colors import Color, luminance, mix
from garasu.world.pens import Pen, Pixels, color4f
from garasu.world.textures import field_at, grain, hatching, lay_tiles


class DryPen(Pen):
    """What the three dry pens share; a subclass says how dense and how dark."""

    paper = (250, 249, 246)
    step, stroke_width = 5.0, 2.4  # of the hatching, in units
    ground = 0.6  # share of a light tone that lies evenly under the hatching
    depth = 0.25  # how much larger that share is for black: dark areas are rubbed in
    pressure = 0.8  # alpha of the hatching
    far_pressure = 0.62  # how much less in the background
    wobble = 0.9
    line_scale, line_floor, line_alpha = 0.9, 0.8, 0.8
    grain_amount = 2.5

    def __init__(self, canvas: skia.Canvas, rng: random.Random, unit: float) -> None:
        super().__init__(canvas, rng, unit)
        self.angle = rng.uniform(25, 65) * rng.choice((-1, 1))

    def tone(self, color: Color) -> Color:
        """What the pen makes of a colour."""
        return color

    def fill(self, path: skia.Path, color: Color, *, outlined: bool = True, far: bool = False) -> None:
        """An even ground, and hatching over it."""
        tone = self.tone(color)
        press = self.far_pressure if far else 1.0
        ground = self.ground + self.depth * (1 - luminance(tone) / 255)
        self.canvas.drawPath(path, self.paint(mix(self.paper, tone, ground * press)))
        strength = self.pressure * press
        if luminance(tone) < luminance(self.paper) - 12:  # hatching in the paper's own colour cannot be seen
            self._hatch(path, mix(tone, (0, 0, 0), 0.06), strength, 20 if far else 0)
        if outlined:
            self.line(path, self.edge(color), self.thickness * self.unit, far=far)

    def _hatch(self, path: skia.Path, color: Color, alpha: float, turn: float) -> None:
        rng = self.rng
        paint = skia.Paint(AntiAlias=False)
        paint.setColorFilter(skia.ColorFilters.Blend(color4f(color).toColor(), skia.BlendMode.kSrcIn))
        paint.setAlphaf(alpha)
        shift = rng.uniform(0, 90), rng.uniform(0, 90)
        tile = hatching(self.step, self.stroke_width, rng.randrange(4))
        turn += self.angle + rng.uniform(-12, 12)
        lay_tiles(self.canvas, path, tile, paint, unit=self.unit, turn=turn, shift=shift)

    def line(self, path: skia.Path, color: Color, width: float, *, far: bool = False) -> None:
        """Two lines that wobble around the path."""
        wide = max(width * self.line_scale, self.line_floor * self.unit)
        bounds = path.getBounds()
        wobbles = max(bounds.width(), bounds.height()) > 18 * self.unit  # else a smile may become a frown
        for _ in range(2):
            paint = self.stroke(self.tone(color), wide, self.line_alpha)
            seed = self.rng.randrange(1 << 30)
            if wobbles:
                paint.setPathEffect(skia.DiscretePathEffect.Make(7 * self.unit, self.wobble * self.unit, seed))
            self.canvas.drawPath(path, paint)

    def finish(self, pixels: Pixels, rng: random.Random) -> Pixels:
        """The paper's grain."""
        height, width, _ = pixels.shape
        grained = pixels + self.grain_amount * field_at(grain(), height, width, rng)
        return grained.clip(0, 255).astype(np.uint8)


class PencilPen(DryPen):
    """Graphite on white paper: gray, thin lines, hatching that leaves paper between."""

    outline = (52, 52, 56)
    ground = 0.42
    depth = 0.45
    pressure = 0.75

    def tone(self, color: Color) -> Color:
        """Gray, a little lighter than the colour."""
        gray = 22 + luminance(color) * 0.91
        return (gray, gray, gray * 1.01)


class ColoredPencilPen(DryPen):
    """Coloured pencil on white paper: close, fine hatching."""

    step, stroke_width = 4.4, 2.0
    ground = 0.62
    pressure = 0.62

    def edge(self, color: Color) -> Color:
        """A darker shade of the area itself."""
        return (118, 112, 124) if luminance(color) < 60 else mix(color, (30, 25, 30), 0.65)


class CharcoalPen(DryPen):
    """Charcoal and white chalk on gray paper: broad black lines."""

    paper = (206, 202, 194)
    outline = (16, 15, 16)
    step, stroke_width = 7.0, 4.4
    ground = 0.64
    pressure = 0.7
    far_pressure = 0.5
    wobble = 1.1
    line_scale, line_floor, line_alpha = 1.2, 1.9, 0.85
    grain_amount = 5.0

    def tone(self, color: Color) -> Color:
        """Warm gray, from charcoal to chalk."""
        gray = 8 + luminance(color) * 0.97
        return (gray, gray * 0.99, gray * 0.97)
