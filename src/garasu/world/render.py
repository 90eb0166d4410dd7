"""A scene becomes a picture: background, subject, and the style's last touch."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import skia

from garasu.world.backgrounds import SHADOWS, Stage, draw_background
from garasu.world.dry_pens import CharcoalPen, ColoredPencilPen, PencilPen
from garasu.world.frame import Frame
from garasu.world.pens import Box, Pen, PixelPen, Pixels, color4f, snapshot
from garasu.world.people import draw_cake, draw_girl, draw_knight
from garasu.world.pets import draw_pet
from garasu.world.scene import Scene, SceneError
from garasu.world.shapes import ellipse
from garasu.world.wet_pens import KandinskyPen, MunchPen, WatercolorPen

PENS: Mapping[str, type[Pen]] = {
    "flat": Pen,
    "pencil": PencilPen,
    "colored pencil": ColoredPencilPen,
    "charcoal": CharcoalPen,
    "watercolor": WatercolorPen,
    "pixel art": PixelPen,
    "munch": MunchPen,
    "kandinsky": KandinskyPen,
}
FIGURES: Mapping[str, Callable[[Frame, Scene, random.Random], None]] = {
    "cat": draw_pet,
    "kitten": draw_pet,
    "dog": draw_pet,
    "girl": draw_girl,
    "knight": draw_knight,
    "cake": draw_cake,
}
_HEIGHTS: Mapping[str, float] = {"cat": 0.82, "kitten": 0.66, "dog": 0.82, "girl": 0.8, "knight": 0.8, "cake": 0.84}
"""Heights of the figures' frames as parts of the picture's shorter side."""
_RAISED = frozenset({"bench", "window"})  # where the subject sits higher and has less room
_LESS_ROOM = 0.92
_SMALLEST = 8  # px


@dataclass(frozen=True)
class Spot:
    """Where one subject stands, and how tall its frame is, in px."""

    x: float
    y: float
    height: float


def render(scene: Scene, size: int | tuple[int, int], seed: int, style: type[Pen] | None = None) -> Pixels:
    """Draw the scene as uint8 [H, W, 3] in 0..255, with the scene's own pen or with that of `style`.

    `size` is the side of a square or (width, height) in px, at least 8. The same arguments give the same bytes, in any
    process and whatever was drawn before. Background, layout, subject and style have separate randomness, so scenes
    that differ in one attribute keep the rest of the picture. Raises SceneError for a size that is too small.
    """
    return render_with_faces(scene, size, seed, style)[0]


def render_with_faces(
    scene: Scene, size: int | tuple[int, int], seed: int, style: type[Pen] | None = None
) -> tuple[Pixels, list[Box]]:
    """The same picture, and where the animals' and the girl's faces are in it."""
    faces: list[Box] = []

    def draw(pen: Pen, width: int, height: int) -> None:
        spots = _spots(scene, width, height, stream(seed, "layout"))
        stage = Stage(pen, width, height, stream(seed, "background"))
        draw_surroundings(stage, scene.background, scene.background_color, spots)
        _draw_subjects(pen, scene, spots, seed)
        faces.extend(pen.faces)

    return paint(style or PENS[scene.style], size, seed, draw), faces


def paint(style: type[Pen], size: int | tuple[int, int], seed: int, draw: Callable[[Pen, int, int], None]) -> Pixels:
    """A picture in a style: `draw` is called with the pen and with width and height in px.

    Raises SceneError for a size that is too small.
    """
    width, height = (size, size) if isinstance(size, int) else size
    if min(width, height) < _SMALLEST:
        raise SceneError(f"a picture of {width}×{height} px is too small: ask for at least {_SMALLEST}×{_SMALLEST}")
    unit = min(width, height) / 128
    cell = style.cell(unit)
    surface = skia.Surface(math.ceil(width / cell), math.ceil(height / cell))
    canvas = surface.getCanvas()
    canvas.scale(1 / cell, 1 / cell)
    pen = style(canvas, stream(seed, "pen"), unit)
    canvas.clear(color4f(pen.paper))
    draw(pen, width, height)
    return np.ascontiguousarray(pen.finish(snapshot(surface), stream(seed, "finish"))[:height, :width])


def stream(seed: int, name: str) -> random.Random:
    """Randomness of one part of one picture. Python hashes text seeds with SHA-512: the same in every process."""
    return random.Random(f"{seed}/{name}")


def draw_surroundings(stage: Stage, background: str, color: str, spots: list[Spot]) -> None:
    """Everything but the subjects: background, what the style adds to it, and the subjects' shadows."""
    draw_background(stage, background, color)
    stage.pen.adorn(stage.width, stage.height)
    if background in SHADOWS:
        for spot in spots:
            lies = ellipse(spot.x, spot.y, spot.height * 0.5, spot.height * 0.07)
            stage.shape(lies, SHADOWS[background])


def _draw_subjects(pen: Pen, scene: Scene, spots: list[Spot], seed: int) -> None:
    for index, spot in enumerate(spots):
        rng = stream(seed, f"subject {index}")
        upright = scene.subject == "cake"
        mirrored, tilt = rng.random() < 0.5 and not upright, rng.uniform(-2, 2) * (0.5 if upright else 1)
        frame = Frame(pen, spot.x, spot.y, spot.height, mirrored=mirrored, tilt=tilt)
        FIGURES[scene.subject](frame, scene, rng)


def _spots(scene: Scene, width: int, height: int, rng: random.Random) -> list[Spot]:
    """One large subject, two beside each other, or three; the back row first."""
    tall = _HEIGHTS[scene.subject] * min(width, height) * rng.uniform(0.95, 1.05)
    if scene.accessory in ("red hat", "crown"):
        tall *= 0.87
    asleep = scene.pose == "sleeping"
    tall *= room(scene.background, asleep)
    ground = height * ground_of(scene.background, rng)
    if scene.count == "1":
        return [_single(scene, tall, width, ground, rng)]
    across, lift, part = _GROUPS[scene.count, asleep]
    if scene.subject == "kitten":  # narrow enough to be larger
        part *= 1.15
    shift = 0.015 * min(width, height)
    return [
        Spot(x * width + rng.uniform(-shift, shift), ground - up * tall + rng.uniform(-shift, shift), tall * part)
        for x, up in zip(across, lift, strict=True)
    ]


_GROUPS: Mapping[tuple[str, bool], tuple[tuple[float, ...], tuple[float, ...], float]] = {
    ("2", False): ((0.27, 0.73), (0.0, 0.0), 0.7),
    ("2", True): ((0.26, 0.74), (0.0, 0.0), 0.52),
    ("3", False): ((0.18, 0.5, 0.82), (0.0, 0.0, 0.0), 0.5),
    ("3", True): ((0.26, 0.74, 0.5), (0.3, 0.3, 0.0), 0.5),
}
"""For a count, sitting or asleep: places across the width, heights above the ground, and size of each."""


def room(background: str, asleep: bool) -> float:
    """The part of its size that is left to a subject: who sits higher has less room above."""
    return _LESS_ROOM if background in _RAISED and not asleep else 1.0


def ground_of(background: str, rng: random.Random) -> float:
    """Where the subject stands, as a part of the height: on the bench, on the sill, or on the ground."""
    return (0.83 if background in _RAISED else 0.92) + rng.uniform(-0.015, 0.02)


def _single(scene: Scene, tall: float, width: int, ground: float, rng: random.Random) -> Spot:
    asleep = scene.pose == "sleeping"
    x = width * (0.5 + rng.uniform(-0.03, 0.03))
    if scene.place != "center":
        aside = 0.17 if asleep else 0.22
        x += width * (aside if scene.place == "right" else -aside)
        tall *= 0.66 if asleep or scene.subject == "cake" else 0.76
    return Spot(x, ground, tall)
