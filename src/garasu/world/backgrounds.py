"""Backgrounds, drawn before the subject. What tells them apart lies at the sides: the subject covers the middle."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import skia

from garasu.world.colors import PLAIN, WHITE, Color, mix, vary
from garasu.world.pens import Pen
from garasu.world.shapes import Point, curve, ellipse, polygon, polyline, rectangle

_BLEED = 4  # px that backgrounds reach beyond the picture


@dataclass(frozen=True)
class Stage:
    """The picture while its background is drawn: its size in px, the pen, the background's own randomness."""

    pen: Pen
    width: int
    height: int
    rng: random.Random

    def between(self, low: float, high: float) -> float:
        """A random number."""
        return self.rng.uniform(low, high)

    def band(self, top: float, bottom: float, color: Color) -> None:
        """A ground from height `top` to `bottom`, over the whole width."""
        path = rectangle(-_BLEED, top, self.width + _BLEED, bottom)
        self.pen.fill(path, color, outlined=False, far=True)

    def all(self, color: Color) -> None:
        """A ground over the whole picture."""
        self.band(-_BLEED, self.height + _BLEED, color)

    def sky(self, horizon: float) -> None:
        """The style's sky down to the horizon."""
        self.band(-_BLEED, horizon + 2, vary(self.pen.sky, self.rng))

    def shape(self, path: skia.Path, color: Color, outlined: bool = False) -> None:
        """An area of the background."""
        self.pen.fill(path, color, outlined=outlined, far=True)

    def line(self, path: skia.Path, color: Color, width: float) -> None:
        """A line of the background, its width in units."""
        self.pen.line(path, color, width * self.pen.unit, far=True)

    def hill(self, low: float, high: float, color: Color) -> None:
        """Ground with a soft upper rim between the two heights (parts of the picture's height)."""
        w, h = self.width, self.height
        path = skia.Path()
        path.moveTo(-_BLEED, h + _BLEED)
        path.lineTo(-_BLEED, h * self.between(low, high))
        path.quadTo(w * self.between(0.3, 0.7), h * self.between(low - 0.07, high - 0.05), w + _BLEED,
                    h * self.between(low, high))  # fmt: skip
        path.lineTo(w + _BLEED, h + _BLEED)
        path.close()
        self.shape(path, color)


def draw_background(stage: Stage, background: str, color: str) -> None:
    """A background over the whole picture; `color` is the name of a plain one's colour."""
    if background == "plain":
        stage.all(vary(PLAIN[color], stage.rng, 5))
    else:
        _PLACES[background](stage)


SHADOWS: Mapping[str, Color] = {
    "sea": (212, 192, 144),
    "beach": (212, 184, 120),
    "night": (22, 44, 40),
    "snow": (204, 216, 232),
}
"""What a subject lies on where the ground is not flat: sand, shadows."""


def _sea(stage: Stage) -> None:
    w, h = stage.width, stage.height
    horizon = h * stage.between(0.46, 0.56)
    stage.sky(horizon)
    stage.band(horizon, h + _BLEED, vary((50, 120, 192), stage.rng))
    _wave(stage, horizon - h * stage.between(0.3, 0.38), stage.rng.choice((-1, 1)))
    for index in range(3):
        y = horizon + (h - horizon) * (0.28 + 0.3 * index) + stage.between(-2, 2)
        points: list[Point] = [(stage.between(-10, -2), y)]
        while points[-1][0] < w:
            crest = -4 if len(points) % 4 == 1 else 4
            x = points[-1][0]
            points += [(x + w * 0.09, y + crest * stage.pen.unit), (x + w * 0.18, y)]
        stage.line(curve(*points), (206, 232, 248), 2.0)


def _wave(stage: Stage, top: float, side: int) -> None:
    """A great wave that rises at one side and curls towards the middle."""
    w, h = stage.width, stage.height

    def at(dx: float, y: float) -> Point:
        return w / 2 + side * dx * w, y

    wave = skia.Path()
    wave.moveTo(*at(0.55, h * 0.84))
    wave.lineTo(*at(0.55, top + h * 0.1))
    for control, end in (
        (at(0.46, top - h * 0.02), at(0.26, top + h * 0.03)),
        (at(0.14, top + h * 0.06), at(0.16, top + h * 0.17)),
        (at(0.28, top + h * 0.07), at(0.32, top + h * 0.22)),
        (at(0.34, h * 0.72), at(0.1, h * 0.8)),
    ):
        wave.quadTo(*control, *end)
    wave.lineTo(*at(0.1, h * 0.84))
    wave.close()
    stage.shape(wave, vary((38, 92, 172), stage.rng), outlined=True)
    foam = curve(at(0.55, top + h * 0.08), at(0.46, top - h * 0.03), at(0.26, top + h * 0.02),
                 at(0.14, top + h * 0.05), at(0.15, top + h * 0.17))  # fmt: skip
    stage.line(foam, (246, 250, 255), 4.0)


def _beach(stage: Stage) -> None:
    w, h, unit = stage.width, stage.height, stage.pen.unit
    horizon = h * stage.between(0.5, 0.58)
    stage.sky(horizon)
    stage.band(horizon - h * 0.12, horizon + h * 0.05, vary((40, 150, 202), stage.rng))
    stage.band(horizon + h * 0.04, h + _BLEED, vary((242, 215, 150), stage.rng, 6))
    side = stage.rng.choice((-1, 1))
    sun = ellipse(w / 2 - side * w * stage.between(0.36, 0.42), h * stage.between(0.11, 0.17), 10 * unit, 10 * unit)
    stage.shape(sun, vary((255, 220, 70), stage.rng))
    foot = (w / 2 + side * w * stage.between(0.36, 0.42), horizon + h * stage.between(0.14, 0.24))
    crown = (foot[0] - side * w * stage.between(0.0, 0.06), h * stage.between(0.16, 0.24))
    middle = (foot[0] + side * 5 * unit, (foot[1] + crown[1]) / 2)
    stage.line(curve(foot, middle, crown), vary((130, 90, 50), stage.rng), 6.5)
    for index in range(6):
        stage.shape(_leaf(stage, crown, index / 5), vary((48, 150, 68), stage.rng, 12))


def _leaf(stage: Stage, root: Point, part: float) -> skia.Path:
    """A palm leaf from its root: `part` 0 hangs to the right, 0.5 stands up, 1 hangs to the left."""
    length, (x, y) = min(stage.width, stage.height) * stage.between(0.2, 0.25), root
    across, up = 1 - 2 * part + stage.between(-0.08, 0.08), 1 - abs(1 - 2 * part)
    tip = (x + length * across, y + length * (0.32 - 0.4 * up))
    over = (x + length * 0.55 * across, y - length * (0.16 + 0.68 * up))
    return curve(root, over, tip, (over[0] * 0.9 + x * 0.1, over[1] + 9 * stage.pen.unit), root)


def _window(stage: Stage) -> None:
    w, h, unit = stage.width, stage.height, stage.pen.unit
    stage.all(vary((224, 186, 154), stage.rng, 6))
    left, right = w * stage.between(0.08, 0.12), w * stage.between(0.88, 0.92)
    top, low = h * stage.between(0.06, 0.1), h * 0.76
    pane = rectangle(left, top, right, low)
    stage.shape(pane, vary(stage.pen.sky, stage.rng))
    for _ in range(2):
        cloud = (stage.between(left + w * 0.1, right - w * 0.1), stage.between(top + h * 0.08, top + h * 0.25))
        stage.shape(ellipse(*cloud, 10 * unit, 4.5 * unit), (250, 250, 252))
    frame, middle, bar = vary((148, 96, 56), stage.rng), (left + right) / 2, top + (low - top) * 0.5
    stage.line(pane, frame, 6)
    stage.line(polyline((middle, top), (middle, low)), frame, 4)
    stage.line(polyline((left, bar), (right, bar)), frame, 4)
    stage.shape(rectangle(-_BLEED, h * 0.76, w + _BLEED, h * 0.86), (242, 234, 222), outlined=True)
    stage.band(h * 0.86, h + _BLEED, vary((200, 158, 128), stage.rng, 6))


def _bench(stage: Stage) -> None:
    w, h, unit = stage.width, stage.height, stage.pen.unit
    ground = h * stage.between(0.54, 0.6)
    stage.sky(ground)
    stage.band(ground, h + _BLEED, vary((120, 190, 88), stage.rng))
    _fence(stage, ground, ground - h * stage.between(0.26, 0.31))
    wood = vary((150, 94, 50), stage.rng)
    for x in (0.1, 0.84):
        stage.shape(rectangle(w * x, h * 0.88, w * (x + 0.06), h), mix(wood, (0, 0, 0), 0.3), outlined=True)
    for y in (0.72, 0.81):
        plank = rectangle(w * 0.03, h * y, w * 0.97, h * (y + 0.07))
        stage.shape(plank, wood, outlined=True)
        stage.line(polyline((w * 0.1, h * (y + 0.035)), (w * 0.9, h * (y + 0.035))), mix(wood, (0, 0, 0), 0.2), unit)


def _fence(stage: Stage, low: float, top: float) -> None:
    w, unit = stage.width, stage.pen.unit
    white = vary((247, 245, 239), stage.rng, 4)
    for part in (0.3, 0.7):
        y = top + (low - top) * part
        stage.shape(rectangle(-_BLEED, y, w + _BLEED, y + 4 * unit), white, outlined=True)
    step = w * stage.between(0.14, 0.165)
    x = stage.between(-step, 0)
    while x < w:
        right = x + step * 0.58
        picket = polygon((x, low + 4 * unit), (x, top + 5 * unit), ((x + right) / 2, top - 3 * unit),
                         (right, top + 5 * unit), (right, low + 4 * unit))  # fmt: skip
        stage.shape(picket, white, outlined=True)
        x += step


def _night(stage: Stage) -> None:
    w, h, unit = stage.width, stage.height, stage.pen.unit
    dark = vary((28, 34, 86), stage.rng, 6)
    stage.all(dark)
    for _ in range(stage.rng.randint(9, 14)):
        star = ellipse(stage.between(0, w), stage.between(0, h * 0.62), 1.7 * unit, 1.7 * unit)
        stage.shape(star, (252, 246, 212))
    side, radius = stage.rng.choice((-1, 1)), 13 * unit * stage.between(0.9, 1.15)
    x, y = w / 2 + side * w * stage.between(0.33, 0.38), h * stage.between(0.14, 0.2)
    stage.shape(ellipse(x, y, radius, radius), (252, 242, 192))
    if stage.rng.random() < 0.4:  # a crescent
        stage.shape(ellipse(x - radius * 0.5, y - radius * 0.1, radius * 0.85, radius * 0.85), dark)
    stage.hill(0.68, 0.78, vary((34, 68, 58), stage.rng, 6))


def _snow(stage: Stage) -> None:
    w, h, unit = stage.width, stage.height, stage.pen.unit
    stage.all(vary((168, 190, 216), stage.rng, 6))
    for side in (-1, 1):
        x, y = w / 2 + side * w * stage.between(0.34, 0.44), h * stage.between(0.64, 0.7)
        size = unit * stage.between(1.15, 1.5)
        tip = (x, y - 38 * size)
        stage.shape(polygon((x - 13 * size, y), tip, (x + 13 * size, y)), vary((62, 116, 88), stage.rng))
        stage.shape(polygon((x - 6 * size, y - 21 * size), tip, (x + 6 * size, y - 21 * size)), (247, 250, 253))
    stage.hill(0.64, 0.7, (247, 250, 253))
    for _ in range(26):  # behind the subject: flakes on a face would hide its eyes
        stage.shape(ellipse(stage.between(0, w), stage.between(0, h), 2 * unit, 2 * unit), WHITE)


_PLACES: Mapping[str, Callable[[Stage], None]] = {
    "sea": _sea,
    "beach": _beach,
    "window": _window,
    "bench": _bench,
    "night": _night,
    "snow": _snow,
}
