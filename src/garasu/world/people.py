"""The girl with cat ears, the knight, and the cake: figures without fur."""

from __future__ import annotations

import random

import skia

from garasu.world.accessories import Head, wear
from garasu.world.colors import CLOTH, HAIR, ICING, INK, SCARLET, WHITE, Color, mix, vary
from garasu.world.faces import EAR_PINK, SIDES
from garasu.world.frame import Frame
from garasu.world.scene import Scene
from garasu.world.shapes import curve, ellipse, polygon, polyline, rectangle

SKIN: Color = (252, 216, 188)
STEEL: Color = (180, 188, 200)


def draw_girl(frame: Frame, scene: Scene, rng: random.Random) -> None:
    """A chibi: a head half as tall as she is, cat ears in her hair, a dress."""
    hair, dress = vary(HAIR[scene.hair], rng, 6), vary(CLOTH[scene.dress], rng, 6)
    head = Head(0, -0.68, 0.25, 0.235)
    _girl_hair(frame, head, hair, rng.uniform(0.02, 0.14))
    _girl_body(frame, dress)
    _girl_face(frame, head, hair)
    for side in SIDES:
        _girl_ear(frame, head, hair, side)
    wear(frame, scene.accessory, head, None, rng)


def _girl_hair(frame: Frame, head: Head, hair: Color, length: float) -> None:
    x, y, low = head.rx * 1.12, head.y, head.y + head.ry + length
    shape = curve((-x, y), (-x * 1.05, y - 0.34), (0, y - head.ry * 1.25), (x * 1.05, y - 0.34), (x, y),
                  (x * 1.25, low - 0.05), (x * 0.75, low), (0, low - 0.02), (-x * 0.75, low),
                  (-x * 1.25, low - 0.05), (-x, y))  # fmt: skip
    frame.fill(shape, hair)


def _girl_body(frame: Frame, dress: Color) -> None:
    for side in SIDES:
        frame.tube(polyline((side * 0.075, -0.16), (side * 0.075, -0.03)), SKIN, 0.055)
        frame.fill(ellipse(side * 0.09, -0.022, 0.062, 0.03), (66, 44, 44))
        frame.tube(polyline((side * 0.1, -0.4), (side * 0.24, -0.24)), SKIN, 0.055)
    hem = ((0.14, -0.34), (0.28, -0.11), (-0.28, -0.11), (-0.14, -0.34))
    frame.fill(polygon((-0.1, -0.46), (0.1, -0.46), *hem), dress)


def _girl_face(frame: Frame, head: Head, hair: Color) -> None:
    face = ellipse(0, head.y, head.rx * 0.92, head.ry * 0.94)
    frame.fill(face, SKIN)
    frame.face(face)
    with frame.inside(face):
        frame.fill(ellipse(0, head.y - head.ry * 0.82, head.rx * 1.2, head.ry * 0.56), hair, outlined=False)
    for side in SIDES:
        x, y = side * head.rx * 0.4, head.y + head.ry * 0.16
        frame.fill(ellipse(x, y, 0.036, 0.056), (46, 34, 40), outlined=False)
        frame.fill(ellipse(x - 0.01, y - 0.02, 0.013, 0.016), WHITE, outlined=False)
        frame.fill(ellipse(side * head.rx * 0.6, y + 0.075, 0.04, 0.022), (250, 164, 156), outlined=False)
    frame.line(curve((-0.045, head.y + 0.125), (0, head.y + 0.165), (0.045, head.y + 0.125)), (176, 60, 62), 0.018)


def _girl_ear(frame: Frame, head: Head, hair: Color, side: int) -> None:
    ear = ((0.98, -0.62), (0.92, -1.55), (0.3, -1.06))
    inside = ((0.84, -0.86), (0.83, -1.32), (0.52, -1.06))
    frame.fill(polygon(*(head.at(side * dx, dy) for dx, dy in ear)), hair)
    frame.fill(polygon(*(head.at(side * dx, dy) for dx, dy in inside)), EAR_PINK, outlined=False)


def draw_knight(frame: Frame, scene: Scene, rng: random.Random) -> None:
    """Armour, a closed helmet, a spear and a shield in the scene's colour; a plume unless he wears the crown."""
    steel, shield = vary(STEEL, rng, 8), vary(CLOTH[scene.shield], rng, 6)
    dark = mix(steel, (0, 0, 0), 0.38)
    head = Head(0, -0.76, 0.19, 0.2)
    _knight_body(frame, steel, dark)
    _helmet(frame, head, steel, plumed=scene.accessory != "crown")
    _shield(frame, shield)
    wear(frame, scene.accessory, head, None, rng)


def _knight_body(frame: Frame, steel: Color, dark: Color) -> None:
    for side in SIDES:
        inner, outer = sorted((side * 0.03, side * 0.15))
        frame.fill(rectangle(inner, -0.25, outer, -0.03), dark)
        frame.fill(ellipse(side * 0.1, -0.03, 0.085, 0.035), dark)
    frame.line(polyline((0.29, -0.06), (0.35, -0.98)), (96, 74, 52), 0.04)
    frame.fill(polygon((0.3, -0.9), (0.36, -1.06), (0.4, -0.89)), STEEL)
    for side in SIDES:
        frame.tube(polyline((side * 0.15, -0.53), (side * 0.29, -0.36)), dark, 0.085)
    frame.fill(polygon((-0.18, -0.6), (0.18, -0.6), (0.16, -0.2), (-0.16, -0.2)), steel)
    for side in SIDES:
        frame.fill(ellipse(side * 0.19, -0.55, 0.09, 0.07), steel)


def _helmet(frame: Frame, head: Head, steel: Color, plumed: bool) -> None:
    x, top, low = head.rx * 0.85, head.y - head.ry * 1.1, head.y + head.ry
    if plumed:
        plume = curve((0, top + 0.05), (0.02, top - 0.2), (-0.3, top - 0.06), (-0.18, top - 0.02), (0, top + 0.05))
        frame.fill(plume, SCARLET)
    frame.fill(curve((-x, low - 0.02), (-x * 1.35, top), (0, top), (x * 1.35, top), (x, low - 0.02),
                     (0, low + 0.05), (-x, low - 0.02)), steel)  # fmt: skip
    frame.fill(rectangle(-0.135, head.y - 0.05, 0.135, head.y + 0.015), (22, 22, 28), outlined=False)
    for dx in (-0.06, 0, 0.06):
        frame.line(polyline((dx, head.y + 0.065), (dx, head.y + 0.14)), (40, 42, 50), 0.018)


def _shield(frame: Frame, color: Color) -> None:
    shape = curve((-0.42, -0.54), (-0.24, -0.59), (-0.06, -0.54), (-0.05, -0.27), (-0.24, -0.14),
                  (-0.43, -0.27), (-0.42, -0.54))  # fmt: skip
    frame.fill(shape, color)
    frame.line(polyline((-0.24, -0.5), (-0.24, -0.25)), (252, 250, 242), 0.044)
    frame.line(polyline((-0.35, -0.42), (-0.13, -0.42)), (252, 250, 242), 0.044)


def draw_cake(frame: Frame, scene: Scene, rng: random.Random) -> None:
    """Two tiers in the icing's colour, dripping cream, cherries, and one to three candles."""
    icing = vary(ICING[scene.icing], rng, 6)
    cream = (246, 172, 192) if scene.icing == "white" else mix(icing, (255, 255, 255), 0.68)
    lower, upper = 0.42 * rng.uniform(0.96, 1.04), 0.28 * rng.uniform(0.96, 1.04)
    frame.fill(ellipse(0, -0.03, 0.52, 0.05), (208, 208, 216))
    for half, low, high in ((lower, -0.05, -0.37), (upper, -0.37, -0.64)):
        frame.fill(rectangle(-half, high, half, low), icing)
        frame.fill(_drips(half, high), cream)
    for x in rng.choice(((0.0,), (-0.1, 0.1), (-0.15, 0.0, 0.15))):
        frame.fill(rectangle(x - 0.025, -0.83, x + 0.025, -0.65), rng.choice(tuple(CLOTH.values())))
        frame.fill(ellipse(x, -0.89, 0.034, 0.056), (255, 186, 36), outlined=False)
    for x, y in ((-lower * 0.8, -0.4), (lower * 0.82, -0.4), (-upper * 0.72, -0.67), (upper * 0.72, -0.67)):
        frame.fill(ellipse(x, y, 0.045, 0.045), SCARLET, outlined=False)
    frame.detail(curve((-0.5, -0.03), (0, 0.05), (0.5, -0.03)), INK, 0.008)


def _drips(half: float, top: float) -> skia.Path:
    count = 5
    points = [(-half, top)]
    for index in range(count):
        left = -half + 2 * half * index / count
        points += [(left + half / count, top + 0.2), (left + 2 * half / count, top + 0.05)]
    return curve(*points, (half, top), (half, top), (0, top - 0.03), (-half, top))
