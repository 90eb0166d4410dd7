"""What a model is asked to draw, and what of a scene the prompt says."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from garasu.world.captions import full_caption
from garasu.world.scene import TRAITS, Scene, held_out_scene, labels, random_scene

UNSAID: Mapping[str, str] = {"style": "flat", "count": "1", "place": "center", "pattern": "plain", "accessory": "none"}
"""Values that go without saying: a prompt for them is one that says nothing about the attribute."""


@dataclass(frozen=True)
class Question:
    """A scene, a prompt that says everything about it, and the seed of the noise."""

    scene: Scene
    prompt: str
    seed: int


Paint = Callable[[Sequence[Question]], list[Image.Image]]
"""Whoever answers questions with pictures."""


def ask(count: int, *, held_out: bool, seed: int = 0) -> list[Question]:
    """``count`` prompts: each with a combination that training never sees, or each without one.

    Question i depends on the seed and i alone.
    """
    return [_question(f"question/{seed}/{held_out}/{index}", held_out) for index in range(count)]


def _question(name: str, held_out: bool) -> Question:
    rng = random.Random(name)
    scene = held_out_scene(rng) if held_out else random_scene(rng)
    return Question(scene, full_caption(scene, rng), rng.getrandbits(32))


def named(scene: Scene) -> dict[str, str]:
    """What a full prompt says of the scene and the picture can show, by attribute."""
    return {
        name: value for name, value in labels(scene).items() if value != "none" and value != UNSAID.get(name)
    }  # fmt: skip


def unsaid(scene: Scene) -> dict[str, str]:
    """What a full prompt leaves out because it goes without saying, by attribute."""
    silent = {name: value for name, value in labels(scene).items() if value == UNSAID.get(name)}
    if "accessory" not in TRAITS[scene.subject]:
        silent.pop("accessory", None)
    return silent
