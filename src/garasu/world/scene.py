"""A scene: what is in one picture of the drawn world, as typed attributes, and how often each value comes up."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, fields

Weights = Mapping[str, float]

STYLES: Weights = {
    "flat": 50, "pencil": 7, "colored pencil": 8, "charcoal": 6,
    "watercolor": 8, "pixel art": 7, "munch": 7, "kandinsky": 7,
}  # fmt: skip
BACKGROUNDS: Weights = {"plain": 30, "sea": 12, "beach": 12, "window": 12, "bench": 11, "night": 12, "snow": 11}
PLAIN_COLORS: Weights = {
    "white": 26, "pink": 11, "yellow": 11, "blue": 14, "green": 12, "gray": 9, "purple": 9, "red": 8,
}  # fmt: skip
PLACES: Weights = {"center": 72, "left": 14, "right": 14}
COUNTS: Weights = {"1": 86, "2": 10, "3": 4}
SUBJECTS: Weights = {"cat": 40, "kitten": 24, "dog": 15, "cake": 9, "girl": 6, "knight": 6}
PETS = frozenset({"cat", "kitten", "dog"})

_PATTERNS: Weights = {"plain": 56, "tabby": 27, "bicolor": 17}
_POSES: Weights = {"sitting": 76, "sleeping": 24}
_EYES: Weights = {"yellow": 34, "green": 34, "blue": 32}
_CAT: Mapping[str, Weights] = {
    "fur": {"black": 26, "white": 20, "orange": 24, "gray": 16, "brown": 14},
    "pattern": _PATTERNS,
    "pose": _POSES,
    "eyes": _EYES,
    "accessory": {"none": 56, "red hat": 12, "blue collar": 11, "flower": 9, "crown": 12},
}
_DOG: Mapping[str, Weights] = {
    "fur": {"black": 20, "white": 18, "orange": 16, "gray": 14, "brown": 32},
    "pattern": {"plain": 72, "bicolor": 28},
    "pose": _POSES,
    "accessory": _CAT["accessory"],
}
TRAITS: Mapping[str, Mapping[str, Weights]] = {
    "cat": _CAT,
    "kitten": _CAT,
    "dog": _DOG,
    "girl": {
        "hair": {"black": 1, "brown": 1, "yellow": 1, "blue": 1},
        "dress": {"red": 1, "blue": 1, "green": 1, "yellow": 1},
        "accessory": {"none": 50, "red hat": 16, "flower": 17, "crown": 17},
    },
    "knight": {"shield": {"red": 1, "blue": 1, "green": 1, "yellow": 1}, "accessory": {"none": 55, "crown": 45}},
    "cake": {"icing": {"pink": 1, "brown": 1, "white": 1, "green": 1}},
}
"""What a subject has beyond style, background, count and place, with the weights of its values."""

_ANYWHERE: Mapping[str, Weights] = {"subject": SUBJECTS, "style": STYLES, "background": BACKGROUNDS}
_NOTHING: Weights = {"none": 1}
_ONE: Weights = {"1": 1}
_CENTER: Weights = {"center": 1}
GRAY_STYLES = frozenset({"pencil", "charcoal"})


class SceneError(ValueError):
    """A scene that the world cannot draw."""


@dataclass(frozen=True)
class Scene:
    """One picture's attributes. "none" stands for an attribute that the subject does not have or that cannot be seen.

    Raises SceneError, naming what is possible, for a combination that the world cannot draw.
    """

    subject: str
    style: str = "flat"
    background: str = "plain"
    background_color: str = "none"  # of a plain background only
    count: str = "1"  # "1", "2" or "3": several only of pets
    place: str = "center"  # of a single subject; several spread over the width
    pose: str = "none"
    fur: str = "none"
    pattern: str = "none"
    eyes: str = "none"  # open eyes of cats and kittens only
    accessory: str = "none"
    hair: str = "none"
    dress: str = "none"
    shield: str = "none"
    icing: str = "none"

    def __post_init__(self) -> None:
        for name in ATTRIBUTES:
            _expect(name, getattr(self, name), _choices(name, vars(self)))


def _choices(name: str, known: Mapping[str, str]) -> Weights:
    """The values and weights of one attribute, given the attributes that come before it."""
    if name in _ANYWHERE:
        return _ANYWHERE[name]
    if name == "background_color":
        return PLAIN_COLORS if known["background"] == "plain" else _NOTHING
    if name == "count":
        return COUNTS if known["subject"] in PETS else _ONE
    if name == "place":
        return PLACES if known["count"] == "1" else _CENTER
    return _trait_choices(name, known)


def _trait_choices(name: str, known: Mapping[str, str]) -> Weights:
    weights = TRAITS[known["subject"]].get(name, _NOTHING)
    if name == "eyes" and known["pose"] == "sleeping":
        return _NOTHING
    if name == "pattern" and known["fur"] == "white":  # white with white patches is plain white
        return {value: weight for value, weight in weights.items() if value != "bicolor"}
    return weights


def _expect(name: str, value: str, choices: Weights) -> None:
    if value not in choices:
        raise SceneError(f"{name} {value!r} is not possible here: choose one of {', '.join(choices)}")


ATTRIBUTES: tuple[str, ...] = tuple(field.name for field in fields(Scene))
"""Names of all attributes, in the order in which they are drawn: the choices of one depend only on those before."""

HELD_OUT: tuple[Mapping[str, str], ...] = (
    {"fur": "gray", "pattern": "tabby", "background": "night"},
    {"subject": "dog", "fur": "orange", "background": "snow"},
    {"subject": "cat", "fur": "white", "style": "watercolor"},
    {"subject": "cake", "background": "beach"},
    {"subject": "kitten", "fur": "black", "background": "window"},
    {"subject": "cat", "fur": "brown", "background": "sea"},
    {"subject": "kitten", "style": "kandinsky", "accessory": "crown"},
    {"subject": "knight", "background": "snow"},
    {"subject": "girl", "dress": "red", "background": "bench"},
    {"fur": "orange", "accessory": "blue collar", "subject": "cat"},
    {"style": "pixel art", "accessory": "flower"},
    {"subject": "dog", "style": "munch"},
)
"""Combinations that training never sees: a picture of one shows that the model composes."""


def _matches(scene: Scene, combination: Mapping[str, str]) -> bool:
    return all(getattr(scene, name) == value for name, value in combination.items())


def is_held_out(scene: Scene) -> bool:
    """Whether the scene contains one of the held-out combinations."""
    return any(_matches(scene, combination) for combination in HELD_OUT)


def _draw(rng: random.Random, fixed: Mapping[str, str]) -> Scene:
    """Draw attribute after attribute, with the fixed values wherever they are possible."""
    known: dict[str, str] = {}
    for name in ATTRIBUTES:
        choices = _choices(name, known)
        if fixed.get(name) in choices:
            known[name] = fixed[name]
        else:
            known[name] = rng.choices(tuple(choices), tuple(choices.values()))[0]
    return Scene(**known)


_TRIES = 1000  # the rarest subject is one scene in seventeen


def random_scene(rng: random.Random, held_out: bool = False, **fixed: str) -> Scene:
    """A weighted random scene: with `held_out` anything, without it only what training may see.

    Attributes given by name are kept, e.g. `random_scene(rng, subject="cat", fur="black")`. Raises SceneError when no
    scene has them.
    """
    for _ in range(_TRIES):
        scene = _draw(rng, fixed)
        if _matches(scene, fixed) and (held_out or not is_held_out(scene)):
            return scene
    raise SceneError(f"no such scene can be drawn: {fixed} contradict each other or belong to a held-out combination")


def held_out_scene(rng: random.Random) -> Scene:
    """A random scene that contains a held-out combination, each combination equally often."""
    return random_scene(rng, held_out=True, **rng.choice(HELD_OUT))


def labels(scene: Scene) -> dict[str, str]:
    """What can be seen of every attribute; "none" where it does not apply or where the style hides it.

    Gray styles show no colours, apart from black and white fur; several subjects have no place.
    """
    seen = {name: str(getattr(scene, name)) for name in ATTRIBUTES}
    if scene.style in GRAY_STYLES:
        for name in ("background_color", "eyes", "hair", "dress", "shield", "icing"):
            seen[name] = "none"
        if scene.fur not in ("black", "white"):
            seen["fur"] = "none"
    if scene.count != "1":
        seen["place"] = "none"
    return seen
