"""Heads of cats, kittens and dogs: ears, markings, eyes, nose, mouth."""

from __future__ import annotations

from dataclasses import dataclass

import skia

from garasu.world.accessories import Head
from garasu.world.colors import EYES, FUR, INK, STRIPE, WHITE, Color, is_dark, mix
from garasu.world.frame import Frame
from garasu.world.scene import Scene
from garasu.world.shapes import curve, ellipse, polygon, polyline

EAR_PINK: Color = (240, 158, 166)
PUPIL: Color = (12, 10, 14)
SIDES = (-1, 1)


@dataclass(frozen=True)
class Coat:
    """A pet's colours: of the fur, of the stripes and of lines drawn on the fur."""

    fur: Color
    stripe: Color
    ink: Color

    @classmethod
    def of(cls, scene: Scene, fur: Color) -> Coat:
        """The coat of this very animal, whose fur may differ a little from the palette's."""
        return cls(fur, STRIPE[scene.fur], (222, 217, 222) if is_dark(fur) else INK)


def cat_head(frame: Frame, scene: Scene, head: Head, coat: Coat, eye_scale: float) -> None:
    """Ears, head with its pattern, eyes (closed when sleeping), nose, mouth and whiskers."""
    for side in SIDES:
        cat_ear(frame, head, coat.fur, side)
    outline = ellipse(head.x, head.y, head.rx, head.ry)
    frame.fill(outline, coat.fur)
    frame.face(outline)
    with frame.inside(outline):
        if scene.pattern == "tabby":
            _face_stripes(frame, head, coat)
        elif scene.pattern == "bicolor":
            _blaze(frame, head)
    radius = head.rx * 0.28 * eye_scale
    spacing = head.rx * (0.44 if eye_scale == 1 else 0.47)
    for side in SIDES:
        x, y = head.x + side * spacing, head.y + head.ry * 0.02
        if scene.pose == "sleeping":
            closed_eye(frame, x, y, radius, coat.ink)
        else:
            cat_eye(frame, x, y, radius, EYES[scene.eyes])
    cat_muzzle(frame, head, coat)


def cat_ear(frame: Frame, head: Head, fur: Color, side: int) -> None:
    """One pointed ear, pink inside; `side` is -1 or 1."""
    ear = ((0.95, -0.2), (0.9, -1.55), (0.16, -0.85))
    inside = ((0.82, -0.6), (0.81, -1.25), (0.42, -0.85))
    frame.fill(polygon(*(head.at(side * dx, dy) for dx, dy in ear)), fur)
    frame.fill(polygon(*(head.at(side * dx, dy) for dx, dy in inside)), EAR_PINK, outlined=False)


def _face_stripes(frame: Frame, head: Head, coat: Coat) -> None:
    for dx in (-0.3, 0, 0.3):
        top, end = (head.x + head.rx * dx, head.y - head.ry), (head.x + head.rx * dx * 0.8, head.y - head.ry * 0.46)
        frame.line(polyline(top, end), coat.stripe, 0.044)
    for side in SIDES:
        for dy in (0.2, 0.55):
            rim = (head.x + side * head.rx, head.y + head.ry * dy)
            end = (head.x + side * head.rx * 0.7, head.y + head.ry * (dy + 0.06))
            frame.line(polyline(rim, end), coat.stripe, 0.038)


def _blaze(frame: Frame, head: Head) -> None:
    x, y, rx, ry = head.x, head.y, head.rx, head.ry
    frame.fill(ellipse(x, y + ry * 0.78, rx * 0.64, ry * 0.66), FUR["white"], outlined=False)
    frame.fill(polygon((x - rx * 0.14, y + ry * 0.3), (x, y - ry * 0.95), (x + rx * 0.14, y + ry * 0.3)),
               FUR["white"], outlined=False)  # fmt: skip


def closed_eye(frame: Frame, x: float, y: float, radius: float, ink: Color) -> None:
    """An eye asleep: a hanging arc."""
    frame.line(curve((x - radius, y), (x, y + radius * 1.1), (x + radius, y)), ink, 0.024)


def cat_eye(frame: Frame, x: float, y: float, radius: float, color: Color) -> None:
    """An open eye with an upright pupil and a highlight."""
    frame.fill(ellipse(x, y, radius, radius), color)
    frame.fill(ellipse(x, y, radius * 0.34, radius * 0.78), PUPIL, outlined=False)
    frame.fill(ellipse(x - radius * 0.28, y - radius * 0.38, radius * 0.22, radius * 0.22), WHITE, outlined=False)


def cat_muzzle(frame: Frame, head: Head, coat: Coat) -> None:
    """Nose, mouth and whiskers."""
    x, y, r = head.x, head.y + head.ry * 0.44, head.rx
    frame.fill(polygon((x - r * 0.12, y), (x + r * 0.12, y), (x, y + r * 0.12)), (236, 128, 142), outlined=False)
    ink = INK if not is_dark(coat.fur) else coat.ink
    smile = curve((x - r * 0.26, y + r * 0.17), (x - r * 0.1, y + r * 0.31), (x, y + r * 0.12),
                  (x + r * 0.1, y + r * 0.31), (x + r * 0.26, y + r * 0.17))  # fmt: skip
    frame.detail(smile, ink, 0.014)
    for side in SIDES:
        for dy in (-0.04, 0.12):
            whisker = polyline((x + side * r * 0.55, y + r * dy), (x + side * r * 1.32, y + r * dy * 2.2))
            frame.detail(whisker, mix(ink, coat.fur, 0.2), 0.009)


def dog_head(frame: Frame, scene: Scene, head: Head, coat: Coat) -> None:
    """Round head, hanging ears, light muzzle, dark eyes, a big nose and, awake, a tongue."""
    dark = mix(coat.fur, (0, 0, 0), 0.34) if not is_dark(coat.fur) else (84, 80, 92)
    x, y, rx, ry = head.x, head.y, head.rx, head.ry
    outline = ellipse(x, y, rx, ry * 1.1)
    frame.fill(outline, coat.fur)
    frame.face(outline)
    muzzle = FUR["white"] if scene.pattern == "bicolor" else mix(coat.fur, (255, 250, 240), 0.4)
    if scene.pattern == "bicolor":
        frame.fill(ellipse(x, y - ry * 0.2, rx * 0.2, ry * 0.8), FUR["white"], outlined=False)
    for side in SIDES:
        frame.fill(_dog_ear(head, side), dark)
    frame.fill(ellipse(x, y + ry * 0.5, rx * 0.54, ry * 0.52), muzzle)
    if scene.pose != "sleeping":
        frame.fill(ellipse(x, y + ry * 1.0, rx * 0.15, ry * 0.24), (238, 100, 122))
    for side in SIDES:
        _dog_eye(frame, head, side, coat, scene.pose == "sleeping")
    frame.fill(ellipse(x, y + ry * 0.26, rx * 0.22, ry * 0.18), (25, 20, 24))
    mouth = curve((x - rx * 0.27, y + ry * 0.68), (x, y + ry * 0.92), (x + rx * 0.27, y + ry * 0.68))
    frame.detail(mouth, INK, 0.014)


def _dog_ear(head: Head, side: int) -> skia.Path:
    points = ((0.6, -0.98), (1.5, -0.6), (1.22, 0.8), (0.8, 0.55), (0.6, -0.98))
    return curve(*(head.at(side * dx, dy) for dx, dy in points))


def _dog_eye(frame: Frame, head: Head, side: int, coat: Coat, closed: bool) -> None:
    x, y, rx = head.x + side * head.rx * 0.38, head.y - head.ry * 0.2, head.rx
    if closed:
        frame.line(curve((x - rx * 0.15, y), (x, y + rx * 0.16), (x + rx * 0.15, y)), coat.ink, 0.024)
        return
    white = (250, 250, 250) if is_dark(coat.fur) else (28, 20, 18)
    frame.fill(ellipse(x, y, rx * 0.2, rx * 0.22), white, outlined=False)
    frame.fill(ellipse(x, y, rx * 0.13, rx * 0.15), (24, 17, 17), outlined=False)
    frame.fill(ellipse(x - rx * 0.05, y - rx * 0.07, rx * 0.045, rx * 0.045), WHITE, outlined=False)
