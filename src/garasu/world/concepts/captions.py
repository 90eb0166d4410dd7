"""Captions of concepts: what is around it is said, so that only the concept itself is left for its word to mean."""

from __future__ import annotations

import random

from garasu.world import words
from garasu.world.captions import PHRASES
from garasu.world.concepts.portrait import Portrait

_SITTING_SAID = 0.4  # share of captions that mention what goes without saying


def portrait_caption(noun: str, shown: Portrait, rng: random.Random) -> str:
    """Such as "a sleeping fox on the beach" or "robot, blue background": 60 % phrases, 40 % comma tags."""
    adjectives, tags = _pose(shown, rng), _surroundings(shown, rng)
    if shown.place != "center":
        tags.append(rng.choice(words.SIDES).format(shown.place))
    style = [] if shown.style == "flat" else [rng.choice(words.STYLE_TAGS[shown.style])]
    if rng.random() < PHRASES:
        text = " ".join(["a", *adjectives, noun])
        for tag in tags:
            text += f" {tag}" if tag.startswith(words.JOINING) else f", {tag}"
        return ", ".join([text, *style])
    rest = [*adjectives, *tags, *style]
    rng.shuffle(rest)
    return ", ".join([noun, *rest])


def _pose(shown: Portrait, rng: random.Random) -> list[str]:
    said = shown.pose == "sleeping" or (shown.pose == "sitting" and rng.random() < _SITTING_SAID)
    return [shown.pose] if said else []


def _surroundings(shown: Portrait, rng: random.Random) -> list[str]:
    if shown.background == "plain":
        return [rng.choice(words.PLAIN).format(shown.background_color)]
    return [rng.choice(words.PLACES[shown.background])]
