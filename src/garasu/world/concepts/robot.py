"""The robot: a teal box with a round-eyed screen for a face, a dial on its chest and an aerial."""

from __future__ import annotations

import math
import random

from garasu.world.colors import WHITE, Color
from garasu.world.faces import SIDES
from garasu.world.frame import Frame
from garasu.world.shapes import curve, ellipse, polyline, rectangle, rounded

TEAL: Color = (58, 172, 164)
VERMILION: Color = (242, 98, 44)
SCREEN: Color = (34, 40, 66)
GLOW: Color = (158, 244, 250)
DIAL: Color = (252, 232, 150)
_IRON: Color = (104, 112, 124)


def draw_robot(frame: Frame, pose: str, rng: random.Random) -> None:
    """The robot. It has no poses, but moves its arms."""
    del pose
    _legs(frame)
    for side in SIDES:
        _arm(frame, side, math.radians(rng.uniform(-50, 55)))
    _body(frame)
    _head(frame)
    _face(frame)


def _legs(frame: Frame) -> None:
    for side in SIDES:
        frame.tube(polyline((side * 0.11, -0.2), (side * 0.11, -0.07)), _IRON, 0.08)
        frame.fill(curve((side * 0.01, 0), (side * 0.02, -0.12), (side * 0.12, -0.12), (side * 0.24, -0.12),
                         (side * 0.25, 0), (side * 0.13, 0.01), (side * 0.01, 0)), VERMILION)  # fmt: skip


def _arm(frame: Frame, side: int, angle: float) -> None:
    """From the shoulder outwards; a positive angle hangs down."""
    hand = (side * (0.22 + 0.18 * math.cos(angle)), -0.39 + 0.18 * math.sin(angle))
    frame.tube(polyline((side * 0.2, -0.39), hand), _IRON, 0.06)
    frame.fill(ellipse(*hand, 0.06, 0.06), VERMILION)


def _body(frame: Frame) -> None:
    frame.fill(rectangle(-0.08, -0.54, 0.08, -0.44), _IRON)
    frame.fill(rounded(-0.22, -0.47, 0.22, -0.12, 0.06), TEAL)
    frame.fill(ellipse(0, -0.3, 0.115, 0.115), DIAL)
    frame.line(polyline((0, -0.3), (0.055, -0.36)), VERMILION, 0.034)


def _head(frame: Frame) -> None:
    frame.line(polyline((0, -0.88), (0.03, -0.98)), _IRON, 0.03)
    frame.fill(ellipse(0.034, -1.0, 0.048, 0.048), VERMILION)
    for side in SIDES:
        frame.fill(ellipse(side * 0.31, -0.71, 0.05, 0.085), VERMILION)
    frame.fill(rounded(-0.3, -0.91, 0.3, -0.51, 0.1), TEAL)


def _face(frame: Frame) -> None:
    frame.fill(rounded(-0.245, -0.86, 0.245, -0.56, 0.08), SCREEN)
    for side in SIDES:
        frame.fill(ellipse(side * 0.115, -0.735, 0.08, 0.085), GLOW, outlined=False)
        frame.fill(ellipse(side * 0.115, -0.73, 0.038, 0.045), SCREEN, outlined=False)
        frame.fill(ellipse(side * 0.115 - 0.022, -0.765, 0.022, 0.022), WHITE, outlined=False)
    frame.line(curve((-0.06, -0.62), (0, -0.575), (0.06, -0.62)), GLOW, 0.024)
