"""The world's palettes and a little arithmetic on colours (red, green, blue in 0..255)."""

from __future__ import annotations

import random
from collections.abc import Mapping

Color = tuple[float, float, float]

BLACK: Color = (0, 0, 0)
WHITE: Color = (255, 255, 255)
INK: Color = (42, 35, 40)
GOLD: Color = (246, 200, 50)
SCARLET: Color = (214, 40, 48)

FUR: Mapping[str, Color] = {
    "black": (36, 34, 40),
    "white": (246, 244, 239),
    "orange": (234, 138, 44),
    "gray": (142, 144, 151),
    "brown": (130, 84, 50),
}
STRIPE: Mapping[str, Color] = {
    "black": (104, 101, 112),
    "white": (158, 152, 146),
    "orange": (150, 70, 14),
    "gray": (66, 68, 77),
    "brown": (60, 32, 16),
}
EYES: Mapping[str, Color] = {"yellow": (252, 212, 36), "green": (64, 196, 78), "blue": (62, 146, 246)}
PLAIN: Mapping[str, Color] = {
    "white": (250, 250, 248),
    "pink": (250, 196, 210),
    "yellow": (252, 230, 136),
    "blue": (156, 203, 246),
    "green": (174, 222, 156),
    "gray": (192, 192, 197),
    "purple": (202, 174, 236),
    "red": (226, 96, 86),
}
CLOTH: Mapping[str, Color] = {
    "red": (216, 48, 46),
    "blue": (46, 94, 210),
    "green": (56, 160, 78),
    "yellow": (248, 208, 58),
}
HAIR: Mapping[str, Color] = {
    "black": (38, 32, 38),
    "brown": (118, 72, 42),
    "yellow": (246, 212, 98),
    "blue": (74, 130, 226),
}
ICING: Mapping[str, Color] = {
    "pink": (248, 166, 190),
    "brown": (122, 74, 46),
    "white": (250, 246, 238),
    "green": (160, 214, 134),
}


def mix(start: Color, end: Color, part: float) -> Color:
    """`start` with `part` (0..1) of the way to `end`."""
    return (
        start[0] + (end[0] - start[0]) * part,
        start[1] + (end[1] - start[1]) * part,
        start[2] + (end[2] - start[2]) * part,
    )


def luminance(color: Color) -> float:
    """Perceived lightness in 0..255 (the weights of Rec. 601)."""
    return 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]


def clamp(color: Color) -> Color:
    """The nearest colour that exists."""
    red, green, blue = (min(255.0, max(0.0, channel)) for channel in color)
    return red, green, blue


def vary(color: Color, rng: random.Random, amount: float = 8) -> Color:
    """A neighbour of the colour: each channel up to `amount` away."""
    red, green, blue = (channel + rng.uniform(-amount, amount) for channel in color)
    return clamp((red, green, blue))


def is_dark(color: Color) -> bool:
    """Whether a dark outline would vanish on it."""
    return luminance(color) < 60
