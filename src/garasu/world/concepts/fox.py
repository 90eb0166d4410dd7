"""The fox: a pointed face with white cheeks, black socks, and a bushy tail with a white tip."""

from __future__ import annotations

import random

import skia

from garasu.world.accessories import Head
from garasu.world.colors import WHITE, Color
from garasu.world.faces import SIDES, closed_eye
from garasu.world.frame import Frame
from garasu.world.shapes import Point, curve, ellipse, polygon, polyline

RUST: Color = (222, 92, 30)
CREAM: Color = (252, 246, 236)
SOCK: Color = (40, 30, 32)
_EYE: Color = (48, 26, 18)


def draw_fox(frame: Frame, pose: str, rng: random.Random) -> None:
    """The fox, sitting or sleeping."""
    head = _lie(frame) if pose == "sleeping" else _sit(frame, rng.uniform(-0.02, 0.02))
    _ears(frame, head)
    _face(frame, head)
    for side in SIDES:
        _eye(frame, head, side, pose == "sleeping")


def _sit(frame: Frame, turn: float) -> Head:
    _tail(frame, _BRUSH, ((0.2, -0.5), (0.27, -0.58), (0.33, -0.5), (0.4, -0.58), (0.46, -0.5), (0.52, -0.56),
                          (0.58, -0.9), (0.16, -0.9)))  # fmt: skip
    body = curve((-0.12, -0.56), (-0.2, -0.36), (-0.2, -0.14), (-0.19, 0), (-0.1, 0), (0.05, -0.01), (0.1, 0),
                 (0.19, 0), (0.2, -0.14), (0.2, -0.36), (0.12, -0.56), (0, -0.62), (-0.12, -0.56))  # fmt: skip
    frame.fill(body, RUST)
    with frame.inside(body):
        bib = curve((-0.14, -0.6), (-0.13, -0.4), (0, -0.22), (0.13, -0.4), (0.14, -0.6))
        frame.fill(bib, CREAM, outlined=False)
    for side in SIDES:
        frame.tube(polyline((side * 0.065, -0.26), (side * 0.07, -0.05)), RUST, 0.08)
        frame.line(polyline((side * 0.067, -0.17), (side * 0.07, -0.05)), SOCK, 0.084)
        frame.fill(ellipse(side * 0.078, -0.034, 0.066, 0.04), SOCK)
    return Head(turn, -0.68, 0.25, 0.195)


_BRUSH: tuple[Point, ...] = (
    (0.06, -0.02), (0.5, 0.06), (0.53, -0.3), (0.56, -0.52), (0.42, -0.74), (0.26, -0.56), (0.27, -0.36),
    (0.24, -0.16), (0.06, -0.1), (0.02, -0.06), (0.06, -0.02),
)  # fmt: skip


def _tail(frame: Frame, outline: tuple[Point, ...], tip: tuple[Point, ...]) -> None:
    brush = curve(*outline)
    frame.fill(brush, RUST)
    with frame.inside(brush):
        frame.fill(polygon(*tip), CREAM, outlined=False)


def _lie(frame: Frame) -> Head:
    frame.fill(ellipse(0.1, -0.21, 0.44, 0.21), RUST)
    frame.tube(polyline((-0.2, -0.045), (-0.4, -0.045)), RUST, 0.07)
    frame.fill(ellipse(-0.43, -0.04, 0.08, 0.042), SOCK)
    brush = ((0.53, -0.25), (0.6, 0.02), (0.2, 0.02), (-0.1, 0.03), (-0.28, -0.05), (-0.1, -0.2), (0.16, -0.17),
             (0.38, -0.16), (0.42, -0.3), (0.5, -0.34), (0.53, -0.25))  # fmt: skip
    _tail(frame, brush, ((0.02, 0.1), (0.06, -0.02), (0.0, -0.06), (0.06, -0.12), (0.0, -0.3), (-0.5, -0.3),
                         (-0.5, 0.1)))  # fmt: skip
    return Head(-0.26, -0.31, 0.25, 0.195)


def _ears(frame: Frame, head: Head) -> None:
    for side in SIDES:
        for color, corners in (
            (RUST, ((1.0, -0.1), (0.84, -1.78), (0.1, -0.78))),
            (SOCK, ((0.93, -0.8), (0.84, -1.78), (0.48, -1.27))),
            (CREAM, ((0.82, -0.45), (0.74, -1.15), (0.4, -0.75))),
        ):
            ear = polygon(*(head.at(side * x, y) for x, y in corners))
            frame.fill(ear, color, outlined=color is RUST)


def _face(frame: Frame, head: Head) -> None:
    right = ((0.5, -0.98), (0.84, -0.3), (0.96, 0.1), (1.2, 0.46), (0.8, 0.66), (0.4, 0.78), (0.24, 1.22))
    outline = curve(head.at(0, -0.92), *(head.at(x, y) for x, y in right), head.at(0, 1.3),
                    *(head.at(-x, y) for x, y in reversed(right)), head.at(0, -0.92))  # fmt: skip
    frame.fill(outline, RUST)
    with frame.inside(outline):
        for side in SIDES:
            frame.fill(_cheek(head, side), CREAM, outlined=False)
    frame.fill(ellipse(head.x, head.y + head.ry * 1.12, head.rx * 0.17, head.ry * 0.19), SOCK, outlined=False)


def _cheek(head: Head, side: int) -> skia.Path:
    points = ((1.4, 0.3), (0.7, -0.02), (0.3, 0.36), (0.14, 0.5), (0.1, 1.4), (0.8, 1.5), (1.4, 0.3))
    return curve(*(head.at(side * x, y) for x, y in points))


def _eye(frame: Frame, head: Head, side: int, closed: bool) -> None:
    (x, y), r = head.at(side * 0.43, 0.06), head.rx
    if closed:
        closed_eye(frame, x, y, r * 0.2, _EYE)
        return
    frame.fill(ellipse(x, y, r * 0.21, r * 0.25), _EYE, outlined=False)
    frame.fill(ellipse(x - r * 0.06, y - r * 0.1, r * 0.085, r * 0.085), WHITE, outlined=False)
    frame.fill(ellipse(x + r * 0.07, y + r * 0.12, r * 0.04, r * 0.04), WHITE, outlined=False)
