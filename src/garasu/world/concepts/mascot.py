"""The mascot, a being of our own: a raspberry bell with a yellow hem that carries its teacup on its head."""

from __future__ import annotations

import math
import random

from garasu.world.colors import WHITE, Color
from garasu.world.faces import SIDES
from garasu.world.frame import Frame
from garasu.world.shapes import Point, curve, ellipse, polygon, polyline

BERRY: Color = (198, 48, 108)
TEA: Color = (176, 104, 44)
HEM: Color = (250, 206, 64)
FEET: Color = (240, 122, 60)
CHINA: Color = (250, 246, 236)
STRIPE: Color = (62, 110, 206)
_BLUSH: Color = (252, 150, 150)
_PUPIL: Color = (34, 20, 44)
_MOUTH: Color = (92, 28, 60)
_POINTS = 5


def draw_mascot(frame: Frame, pose: str, rng: random.Random) -> None:
    """The mascot. It has no poses, but moves its arms."""
    del pose
    for side in SIDES:
        frame.fill(ellipse(side * 0.15, -0.04, 0.12, 0.055), FEET)
        _arm(frame, side, math.radians(rng.uniform(-40, 50)))
    _bell(frame)
    _face(frame)
    _teacup(frame)


def _arm(frame: Frame, side: int, angle: float) -> None:
    start = (side * 0.26, -0.34)
    hand = (start[0] + side * 0.17 * math.cos(angle), start[1] + 0.17 * math.sin(angle))
    frame.tube(polyline(start, hand), BERRY, 0.085)


def _bell(frame: Frame) -> None:
    bell = curve((-0.4, -0.08), (-0.28, -0.16), (-0.28, -0.46), (-0.27, -0.82), (0, -0.82), (0.27, -0.82),
                 (0.28, -0.46), (0.28, -0.16), (0.4, -0.08), (0, -0.02), (-0.4, -0.08))  # fmt: skip
    frame.fill(bell, BERRY)
    with frame.inside(bell):
        frame.fill(polygon((-0.5, 0.1), *_zigzag(-0.45, 0.45, -0.13, -0.25), (0.5, 0.1)), HEM, outlined=False)


def _zigzag(left: float, right: float, low: float, high: float) -> list[Point]:
    step = (right - left) / (2 * _POINTS)
    return [(left + index * step, high if index % 2 else low) for index in range(2 * _POINTS + 1)]


def _face(frame: Frame) -> None:
    for side in SIDES:
        frame.fill(ellipse(side * 0.115, -0.535, 0.1, 0.115), WHITE)
        frame.fill(ellipse(side * 0.095, -0.525, 0.055, 0.068), _PUPIL, outlined=False)
        frame.fill(ellipse(side * 0.095 - 0.02, -0.555, 0.022, 0.024), WHITE, outlined=False)
        frame.fill(ellipse(side * 0.2, -0.395, 0.05, 0.032), _BLUSH, outlined=False)
    mouth = curve((-0.1, -0.385), (0, -0.36), (0.1, -0.385), (0.06, -0.27), (0, -0.27), (-0.06, -0.27), (-0.1, -0.385))
    frame.fill(mouth, _MOUTH, outlined=False)
    frame.fill(polygon((0.0, -0.375), (0.05, -0.378), (0.045, -0.33), (0.005, -0.33)), WHITE, outlined=False)


def _teacup(frame: Frame) -> None:
    """Full of tea, on its saucer, the handle at the right."""
    handle = curve((0.13, -0.95), (0.31, -1.0), (0.27, -0.88), (0.24, -0.81), (0.1, -0.83))
    frame.tube(handle, CHINA, 0.045)
    frame.fill(ellipse(0, -0.77, 0.25, 0.04), CHINA)
    cup = curve((-0.2, -1.0), (-0.2, -0.79), (-0.07, -0.78), (0, -0.775), (0.07, -0.78), (0.2, -0.79), (0.2, -1.0),
                (0, -1.06), (-0.2, -1.0))  # fmt: skip
    frame.fill(cup, CHINA)
    with frame.inside(cup):
        frame.line(curve((-0.3, -0.91), (0, -0.85), (0.3, -0.91)), STRIPE, 0.05)
    frame.fill(ellipse(0, -1.0, 0.2, 0.05), CHINA)
    frame.fill(ellipse(0, -0.995, 0.15, 0.03), TEA, outlined=False)
