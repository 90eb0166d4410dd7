"""What a figure can wear, fitted to its head (centre and radii in the figure's frame) and its neck."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from garasu.world.colors import CLOTH, GOLD, SCARLET, Color
from garasu.world.frame import Frame
from garasu.world.shapes import Point, curve, ellipse, polygon

RED_HAT: Color = (220, 38, 42)
PINK: Color = (246, 104, 168)


@dataclass(frozen=True)
class Head:
    """Where the head is: centre (x, y) and radii."""

    x: float
    y: float
    rx: float
    ry: float

    def at(self, across: float, down: float) -> Point:
        """A point relative to the centre, in radii."""
        return self.x + self.rx * across, self.y + self.ry * down


@dataclass(frozen=True)
class Neck:
    """Where a collar goes: its middle (x, y) and half its width."""

    x: float
    y: float
    half: float


def wear(frame: Frame, accessory: str, head: Head, neck: Neck | None, rng: random.Random) -> None:
    """Draw the accessory; "none" draws nothing. A collar needs a neck."""
    if accessory == "red hat":
        _hat(frame, head, rng)
    elif accessory == "crown":
        _crown(frame, head)
    elif accessory == "flower":
        _flower(frame, head)
    elif accessory == "blue collar" and neck is not None:
        _collar(frame, neck)


def _hat(frame: Frame, head: Head, rng: random.Random) -> None:
    brim, tip = head.y - head.ry * 0.72, head.y - head.ry * 0.72 - head.rx * 1.25
    lean = head.x + rng.uniform(-0.03, 0.03)
    left, right = head.x - head.rx * 0.72, head.x + head.rx * 0.72
    frame.fill(polygon((left, brim), (lean, tip), (right, brim)), RED_HAT)
    frame.fill(ellipse(head.x, brim, head.rx * 0.84, head.rx * 0.17), (172, 22, 30))
    frame.fill(ellipse(lean, tip, head.rx * 0.17, head.rx * 0.17), (250, 245, 240))


def _crown(frame: Frame, head: Head) -> None:
    low, r = head.y - head.ry * 0.72, head.rx
    high, notch = low - r * 0.85, low - r * 0.4
    offsets = ((-0.62, low), (-0.74, high), (-0.32, notch), (0, high - r * 0.1),
               (0.32, notch), (0.74, high), (0.62, low))  # fmt: skip
    frame.fill(polygon(*((head.x + r * dx, y) for dx, y in offsets)), GOLD)
    for dx in (-0.36, 0, 0.36):
        frame.fill(ellipse(head.x + r * dx, low - r * 0.17, r * 0.09, r * 0.09), SCARLET, outlined=False)


def _flower(frame: Frame, head: Head) -> None:
    x, y, petal = head.x + head.rx * 0.7, head.y - head.ry * 0.74, head.rx * 0.23
    for index in range(5):
        turn = index * math.tau / 5
        at = (x + petal * 1.15 * math.cos(turn), y + petal * 1.15 * math.sin(turn))
        frame.fill(ellipse(*at, petal, petal), PINK, outlined=False)
    frame.fill(ellipse(x, y, petal * 0.8, petal * 0.8), (252, 222, 70), outlined=False)


def _collar(frame: Frame, neck: Neck) -> None:
    x, y, half = neck.x, neck.y, neck.half
    frame.line(curve((x - half, y - 0.02), (x, y + 0.07), (x + half, y - 0.02)), CLOTH["blue"], 0.075)
    frame.fill(ellipse(x, y + 0.075, 0.038, 0.038), GOLD)
