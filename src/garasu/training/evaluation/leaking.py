"""Colour leaking: a prompt gives two things of one picture different colours; does one take the other's?

Asked are all pairs of colours of which at least one could be read as a leak: the probe knows no blue cats, so a blue
collar that makes the cat blue goes unseen, but one that makes its eyes blue does not. Where the world has a pair both
ways round (blue hair and a yellow dress, yellow hair and a blue dress), both are asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import cycle, islice, product
from random import Random

from garasu.images.convert import to_tensor
from garasu.training.evaluation.measures import Score, read
from garasu.training.evaluation.probe import Probe, draw
from garasu.training.evaluation.questions import Paint, Question
from garasu.world.captions import full_caption
from garasu.world.scene import PLAIN_COLORS, TRAITS, random_scene

PAIRS: tuple[tuple[str, str, str], ...] = (
    ("girl", "hair", "dress"),
    ("girl", "hair", "background_color"),
    ("girl", "dress", "background_color"),
    ("girl", "accessory", "dress"),
    ("cat", "fur", "background_color"),
    ("cat", "eyes", "background_color"),
    ("cat", "accessory", "eyes"),
    ("cat", "accessory", "background_color"),
    ("knight", "shield", "background_color"),
    ("cake", "icing", "background_color"),
)
"""A subject and two of its attributes that have colours."""
ACCESSORY_COLORS: Mapping[str, str] = {"red hat": "red", "blue collar": "blue"}
"""Accessories that can give their colour away. They take none: a blue hat is not of this world."""
SIMPLE: Mapping[str, str] = {"style": "flat", "count": "1", "place": "center"}

Seen = Mapping[str, str]
"""What the probe says of a picture, by attribute."""


@dataclass(frozen=True)
class Colors:
    """One question: two attributes with the values that they should have."""

    first: str
    second: str
    values: tuple[str, str]

    @property
    def chances(self) -> dict[str, str]:
        """Attribute → the value that it would have with the other's colour, where there is one."""
        (first, second), (a, b) = (self.first, self.second), self.values
        found = {first: _color(b), second: _color(a)}
        return {name: value for name, value in found.items() if value in _values(name)}


@dataclass(frozen=True)
class Leaks:
    """How often both colours were right, and how often an attribute that could take the other's colour did."""

    both: Score
    leaked: Score

    def with_one(self, asked: Colors, seen: Seen) -> Leaks:
        """The counts after one more picture."""
        right = (seen[asked.first], seen[asked.second]) == asked.values
        leaked = [seen[name] == value for name, value in asked.chances.items()]
        return Leaks(self.both.with_one(right), reduce(Score.with_one, leaked, self.leaked))

    def __add__(self, other: Leaks) -> Leaks:
        return Leaks(self.both + other.both, self.leaked + other.leaked)


NOTHING = Leaks(Score(), Score())


@dataclass(frozen=True)
class PairLeaks:
    """The counts of one pair of attributes, of the model's pictures and of drawings of the same scenes."""

    subject: str
    first: str
    second: str
    pictures: Leaks
    drawings: Leaks


@dataclass(frozen=True)
class Leaking:
    """The counts of every pair, and over all."""

    guidance_scale: float
    pictures: Leaks
    drawings: Leaks
    pairs: tuple[PairLeaks, ...]


def measure_leaking(paint: Paint, probe: Probe, scale: float, prompts: int, seed: int = 0) -> Leaking:
    """``prompts`` of each pair; the probe looks at the model's pictures and at drawings of the same scenes."""
    asked = {pair: list(_ask(pair, prompts, seed)) for pair in PAIRS}
    questions = [question for some in asked.values() for _, question in some]
    seen = read(probe, map(to_tensor, paint(questions)))
    drawn = read(probe, (draw([one.scene], [one.seed], probe.config.size) for one in questions))
    pairs = []
    for pair, some in asked.items():
        colors = [one for one, _ in some]
        pairs.append(PairLeaks(*pair, *(_count(colors, islice(verdicts, prompts)) for verdicts in (seen, drawn))))
    pictures, drawings = ([getattr(one, kind) for one in pairs] for kind in ("pictures", "drawings"))
    return Leaking(scale, sum(pictures, NOTHING), sum(drawings, NOTHING), tuple(pairs))


def combinations(subject: str, first: str, second: str) -> list[Colors]:
    """All pairs of different colours in which at least one can be read as a leak."""
    values = (_colored(subject, first), _colored(subject, second))
    asked = (Colors(first, second, both) for both in product(*values))
    return [one for one in asked if _color(one.values[0]) != _color(one.values[1]) and one.chances]


def _count(asked: Iterable[Colors], verdicts: Iterable[Seen]) -> Leaks:
    return reduce(lambda found, one: found.with_one(*one), zip(asked, verdicts, strict=True), NOTHING)


def _ask(pair: tuple[str, str, str], count: int, seed: int) -> Iterator[tuple[Colors, Question]]:
    """``count`` questions about simple, seen scenes that have nothing else in common."""
    rng = Random(f"leaking/{seed}/{pair}")
    for colors in islice(cycle(_shuffled(combinations(*pair), rng)), count):
        fixed = {"subject": pair[0], **SIMPLE, colors.first: colors.values[0], colors.second: colors.values[1]}
        scene = random_scene(rng, False, **fixed)
        yield colors, Question(scene, full_caption(scene, rng), rng.getrandbits(32))


def _shuffled(asked: Sequence[Colors], rng: Random) -> list[Colors]:
    """In random order, but a pair of colours always beside the same pair the other way round."""
    together: dict[frozenset[str], list[Colors]] = {}
    for one in asked:
        together.setdefault(frozenset(one.values), []).append(one)
    return [one for some in rng.sample(list(together.values()), len(together)) for one in some]


def _colored(subject: str, name: str) -> list[str]:
    values = _values(name) if name == "background_color" else list(TRAITS[subject][name])
    return [value for value in values if name != "accessory" or value in ACCESSORY_COLORS]


def _values(name: str) -> list[str]:
    """Every value that any subject can have."""
    known = [TRAITS[subject].get(name, {}) for subject in TRAITS] if name != "background_color" else [PLAIN_COLORS]
    return [value for values in known for value in values]


def _color(value: str) -> str:
    return ACCESSORY_COLORS.get(value, value)
