"""The statue: a bust of gray stone with curls and blank eyes, on a pedestal with moss."""

from __future__ import annotations

import math
import random

from garasu.world.colors import Color
from garasu.world.faces import SIDES
from garasu.world.frame import Frame
from garasu.world.shapes import curve, ellipse, polygon, polyline, rectangle

STONE: Color = (186, 184, 176)
LIGHT: Color = (216, 214, 206)
SHADE: Color = (138, 136, 130)
DEEP: Color = (84, 82, 80)
MOSS: Color = (112, 150, 66)


def draw_statue(frame: Frame, pose: str, rng: random.Random) -> None:
    """The bust. Stone does not move."""
    del pose, rng
    _pedestal(frame)
    _shoulders(frame)
    _head(frame)
    _face(frame)


def _pedestal(frame: Frame) -> None:
    frame.fill(rectangle(-0.25, -0.2, 0.25, -0.06), SHADE)
    for half, high, low in ((0.34, -0.08, 0.0), (0.31, -0.25, -0.18)):
        frame.fill(rectangle(-half, high, half, low), STONE)
    for x, y, rx in ((-0.22, -0.085, 0.11), (-0.3, -0.05, 0.06), (0.27, -0.24, 0.06)):
        frame.fill(ellipse(x, y, rx, 0.026), MOSS, outlined=False)


def _shoulders(frame: Frame) -> None:
    bust = curve((-0.1, -0.51), (-0.12, -0.43), (-0.26, -0.4), (-0.36, -0.35), (-0.3, -0.25), (0, -0.24),
                 (0.3, -0.25), (0.36, -0.35), (0.26, -0.4), (0.12, -0.43), (0.1, -0.51))  # fmt: skip
    frame.fill(bust, STONE)
    with frame.inside(bust):
        for start in (-0.24, -0.1, 0.04):
            fold = curve((start, -0.43), (start + 0.08, -0.33), (start + 0.26, -0.27))
            frame.line(fold, SHADE, 0.03)


def _head(frame: Frame) -> None:
    _curls(frame, range(-10, 191, 40), 0.235)
    frame.fill(ellipse(0, -0.665, 0.21, 0.225), STONE)
    _curls(frame, range(35, 146, 27), 0.2)


def _curls(frame: Frame, degrees: range, reach: float) -> None:
    for degree in degrees:
        angle = math.radians(degree)
        x, y = reach * math.cos(angle), -0.685 - reach * 1.02 * math.sin(angle)
        frame.fill(ellipse(x, y, 0.068, 0.064), LIGHT)
        frame.detail(curve((x - 0.03, y), (x, y - 0.04), (x + 0.03, y)), SHADE, 0.016)


def _face(frame: Frame) -> None:
    for side in SIDES:
        frame.fill(ellipse(side * 0.092, -0.675, 0.072, 0.06), LIGHT)
        frame.line(curve((side * 0.02, -0.745), (side * 0.09, -0.79), (side * 0.17, -0.74)), SHADE, 0.024)
    frame.line(polyline((-0.008, -0.69), (-0.035, -0.575), (0.02, -0.57)), DEEP, 0.018)
    frame.line(curve((-0.075, -0.525), (0, -0.47), (0.075, -0.525)), DEEP, 0.022)
    crack = polyline((0.2, -0.62), (0.135, -0.59), (0.15, -0.55), (0.1, -0.515))
    frame.line(crack, DEEP, 0.014)
    frame.fill(polygon((-0.33, -0.37), (-0.24, -0.405), (-0.27, -0.34)), SHADE, outlined=False)
