"""The calico cat: white, with orange and black patches that are always the same."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import skia

from garasu.world.accessories import Head
from garasu.world.colors import EYES, FUR, INK, Color
from garasu.world.faces import SIDES, Coat, cat_ear, cat_eye, cat_muzzle, closed_eye
from garasu.world.frame import Frame
from garasu.world.pets import BUILDS, sitting_body
from garasu.world.shapes import curve, ellipse, polyline

ORANGE: Color = (236, 140, 40)
BLACK: Color = (44, 38, 42)
_WHITE = FUR["white"]
_COAT = Coat(_WHITE, BLACK, INK)
_BUILD = BUILDS["cat"]


@dataclass(frozen=True)
class _Patch:
    """A patch of colour: an ellipse, in the half axes of the part of the body that it lies on, from its middle."""

    x: float
    y: float
    rx: float
    ry: float
    color: Color


_FACE = (_Patch(-0.66, -0.5, 0.62, 0.84, ORANGE), _Patch(0.64, -0.7, 0.52, 0.62, BLACK))
_CHEST = (_Patch(-1.0, -0.1, 0.62, 0.4, ORANGE), _Patch(1.0, 0.3, 0.68, 0.5, BLACK))
_BACK = (
    _Patch(-0.3, -0.8, 0.34, 0.7, BLACK), _Patch(0.28, -0.8, 0.36, 0.8, ORANGE), _Patch(0.86, -0.1, 0.3, 0.9, BLACK),
)  # fmt: skip


def draw_calico(frame: Frame, pose: str, rng: random.Random) -> None:
    """The calico cat, sitting or sleeping."""
    asleep = pose == "sleeping"
    head = _lie(frame) if asleep else _sit(frame, rng.uniform(-0.03, 0.03))
    cat_ear(frame, head, ORANGE, -1)
    cat_ear(frame, head, BLACK, 1)
    _spread(frame, ellipse(head.x, head.y, head.rx, head.ry), (head.x, head.y, head.rx, head.ry), _FACE)
    radius = head.rx * 0.28
    for side in SIDES:
        x, y = head.x + side * head.rx * 0.44, head.y + head.ry * 0.02
        if asleep:
            closed_eye(frame, x, y, radius, INK)
        else:
            cat_eye(frame, x, y, radius, EYES["green"])
    cat_muzzle(frame, head, _COAT)


def _spread(frame: Frame, path: skia.Path, box: tuple[float, float, float, float], patches: Sequence[_Patch]) -> None:
    """White fur with patches, placed by the part's middle and half axes."""
    x, y, rx, ry = box
    frame.fill(path, _WHITE)
    with frame.inside(path):
        for patch in patches:
            area = ellipse(x + patch.x * rx, y + patch.y * ry, patch.rx * rx, patch.ry * ry)
            frame.fill(area, patch.color, outlined=False)


def _tail(frame: Frame, *points: tuple[float, float]) -> None:
    """Orange, its second half black."""
    frame.tube(curve(*points), ORANGE, 0.075)
    frame.line(curve(*points[2:]), BLACK, 0.075)


def _sit(frame: Frame, turn: float) -> Head:
    half, tall = _BUILD.body_half, _BUILD.body_height
    root = half * 0.8
    _tail(frame, (root - 0.05, -0.05), (root + 0.26, -0.02), (root + 0.18, -0.33), (root + 0.1, -0.45),
          (root + 0.2, -0.5))  # fmt: skip
    _spread(frame, sitting_body(half, tall), (0, -tall / 2, half, tall / 2), _CHEST)
    for side in SIDES:
        frame.detail(polyline((side * 0.02, -0.05), (side * 0.025, -tall * 0.42)), INK, 0.014)
        frame.fill(ellipse(side * half * 0.38, -0.036, half * 0.34, 0.046), _WHITE)
    return Head(turn, -tall - _BUILD.head_ry * 0.62, _BUILD.head_rx, _BUILD.head_ry)


def _lie(frame: Frame) -> Head:
    half, tall, middle = _BUILD.lying_half, _BUILD.lying_height, 0.1
    _spread(frame, ellipse(middle, -tall, half, tall), (middle, -tall, half, tall), _BACK)
    _tail(frame, (middle + half * 0.9, -tall * 0.7), (middle + half * 0.8, -0.02), (middle + half * 0.3, -0.03),
          (middle + half * 0.1, -0.04), (middle - half * 0.1, -0.03))  # fmt: skip
    return Head(middle - half * 0.82, -_BUILD.head_ry - 0.02, _BUILD.head_rx, _BUILD.head_ry)
