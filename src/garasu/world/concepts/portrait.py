"""Portraits: one individual before a background, at a place, in a pose, in a style."""

from __future__ import annotations

import random
from dataclasses import dataclass

from garasu.world.backgrounds import Stage
from garasu.world.concepts.table import Individual
from garasu.world.frame import Frame
from garasu.world.pens import Pen, Pixels
from garasu.world.render import PENS, Spot, draw_surroundings, ground_of, paint, room, stream
from garasu.world.scene import BACKGROUNDS, PLAIN_COLORS

ONE_IN = 5  # of so many pictures, one is not flat: in most of them the individual must be clear
OTHER_STYLES = ("colored pencil", "watercolor")  # which keep the colours that make the individual
_PLACES, _PLACE_WEIGHTS = ("center", "left", "right"), (3, 1, 1)
_ASIDE, _ASIDE_SIZE = 0.14, 0.78  # how far from the middle, as a part of the width, and how large there
_SWAY = 2  # degrees


@dataclass(frozen=True)
class Portrait:
    """All that differs between two pictures of one individual, apart from chance."""

    style: str
    background: str
    background_color: str  # of a plain background, else "none"
    place: str
    pose: str  # "none" if the individual has no poses


def portrait(individual: Individual, index: int, seed: int) -> Portrait:
    """Portrait `index` of the set `seed`, a function of these alone.

    Scenes and plain colours take turns and none comes back before all have been shown, so a set of five has five
    backgrounds. One picture in five is in colored pencil or watercolor, the others are flat.
    """
    order = random.Random(f"{seed}/{individual.name}")
    scenes = order.sample([name for name in BACKGROUNDS if name != "plain"], len(BACKGROUNDS) - 1)
    colors = order.sample(tuple(PLAIN_COLORS), len(PLAIN_COLORS))
    unusual = order.randrange(ONE_IN)
    turn, plain = divmod(index, 2)
    rng = random.Random(f"{seed}/{individual.name}/{index}")
    return Portrait(
        style=rng.choice(OTHER_STYLES) if index % ONE_IN == unusual else "flat",
        background="plain" if plain else scenes[turn % len(scenes)],
        background_color=colors[turn % len(colors)] if plain else "none",
        place=rng.choices(_PLACES, _PLACE_WEIGHTS)[0],
        pose=rng.choices(tuple(individual.poses), tuple(individual.poses.values()))[0],
    )


def render_portrait(
    individual: Individual, shown: Portrait, size: int | tuple[int, int], seed: int, *, style: type[Pen] | None = None
) -> Pixels:
    """Draw the portrait as uint8 [H, W, 3] in 0..255, as `render` draws a scene: the same bytes for the same arguments.

    Raises SceneError for a size that is too small.
    """

    def draw(pen: Pen, width: int, height: int) -> None:
        spot = _spot(individual, shown, width, height, stream(seed, "layout"))
        stage = Stage(pen, width, height, stream(seed, "background"))
        draw_surroundings(stage, shown.background, shown.background_color, [spot])
        rng = stream(seed, "subject 0")
        mirrored = individual.symmetric and rng.random() < 0.5
        tilt = rng.uniform(-_SWAY, _SWAY) if individual.sways else 0
        middle = 0 if shown.pose == "sleeping" else individual.middle * spot.height
        origin = spot.x + (middle if mirrored else -middle)
        frame = Frame(pen, origin, spot.y, spot.height, mirrored=mirrored, tilt=tilt)
        individual.draw(frame, shown.pose, rng)

    return paint(style or PENS[shown.style], size, seed, draw)


def _spot(individual: Individual, shown: Portrait, width: int, height: int, rng: random.Random) -> Spot:
    asleep = shown.pose == "sleeping"
    tall = individual.height * min(width, height) * rng.uniform(0.95, 1.05) * room(shown.background, asleep)
    ground = height * ground_of(shown.background, rng)
    x = width * (0.5 + rng.uniform(-0.03, 0.03))
    if shown.place != "center":
        x += width * (_ASIDE if shown.place == "right" else -_ASIDE)
        tall *= _ASIDE_SIZE
    return Spot(x, ground, tall)
