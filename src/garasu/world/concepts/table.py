"""The held-out concepts: what each is called, what kind of thing it is, and how it is drawn."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from garasu.world.carved_pens import WoodcutPen
from garasu.world.concepts.calico import draw_calico
from garasu.world.concepts.fox import draw_fox
from garasu.world.concepts.mascot import draw_mascot
from garasu.world.concepts.robot import draw_robot
from garasu.world.concepts.statue import draw_statue
from garasu.world.frame import Frame
from garasu.world.pens import Pen
from garasu.world.scene import Weights


class ConceptError(ValueError):
    """A concept that the world does not have."""


@dataclass(frozen=True)
class _Named:
    name: str
    noun: str
    """What captions call it. It stands in each exactly once, so that a placeholder can take its place."""
    class_noun: str
    """The kind of thing that it is, as DreamBooth's class prompt and textual inversion's first vector want it."""


@dataclass(frozen=True)
class Individual(_Named):
    """One being or thing, with colours and marks that never change."""

    draw: Callable[[Frame, str, random.Random], None]
    poses: Weights = field(default_factory=lambda: {"none": 1})
    height: float = 0.82
    """Of its frame, as a part of the picture's shorter side."""
    middle: float = 0.0
    """Where the middle of its width lies in its frame, unless it sleeps."""
    symmetric: bool = False
    """Whether its mirror image is still the same individual."""
    sways: bool = True
    """Whether it may lean a little."""


@dataclass(frozen=True)
class Manner(_Named):
    """One style, for scenes like those of training."""

    pen: type[Pen]


Concept = Individual | Manner
"""Something that training never sees."""

_POSES: Weights = {"sitting": 70, "sleeping": 30}
_ALL: tuple[Concept, ...] = (
    Individual("calico", "calico cat", "cat", draw_calico, _POSES, middle=0.06),
    Individual("fox", "fox", "animal", draw_fox, _POSES, middle=0.08, symmetric=True),
    Individual("robot", "robot", "robot", draw_robot, height=0.79),
    Individual("mascot", "mascot", "toy", draw_mascot, height=0.78, middle=0.02),
    Individual("statue", "statue", "statue", draw_statue, height=0.85, sways=False),
    Manner("woodcut", "woodcut", "style", WoodcutPen),
)
CONCEPTS: Mapping[str, Concept] = {concept.name: concept for concept in _ALL}
"""By name, in the order in which they are listed."""


def find_concept(name: str) -> Concept:
    """The concept of this name. Raises ConceptError, which lists the names, if there is none."""
    if name not in CONCEPTS:
        raise ConceptError(f"there is no concept {name!r}: choose one of {', '.join(CONCEPTS)}")
    return CONCEPTS[name]
