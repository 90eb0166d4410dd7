"""Diversity over seeds: how much the pictures of one prompt differ, beside drawings that fit the same prompt."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from random import Random

from torch import Tensor

from garasu.training.evaluation.features import Eye
from garasu.training.evaluation.questions import Paint, Question, ask
from garasu.world.scene import Scene, random_scene

SHORT: Mapping[str, Mapping[str, str]] = {
    "cat": {"subject": "cat", "count": "1"},
    "dog": {"subject": "dog", "count": "1"},
    "black cat": {"subject": "cat", "count": "1", "fur": "black"},
    "a cat on the beach": {"subject": "cat", "count": "1", "background": "beach"},
}
"""Prompts that leave nearly everything open, with what they say."""
FULL = 4  # prompts that say everything about a seen scene
PROMPTS = len(SHORT) + FULL
DRAWINGS = 8  # that fit a prompt, for each of its pictures


@dataclass(frozen=True)
class Spread:
    """Mean cosine distance of two pictures of a prompt, 0…2, and of two drawings that fit it."""

    pictures: float
    drawings: float
    ratio: float


@dataclass(frozen=True)
class Diversity:
    """The spread of each prompt, and the means of short and of full prompts."""

    guidance_scale: float
    seeds: int  # of each prompt
    short: Spread
    full: Spread
    prompts: Mapping[str, Spread]


@dataclass(frozen=True)
class _Wish:
    """A prompt and the attributes that it says; drawings that fit it have the others at random."""

    prompt: str
    said: Mapping[str, str]


def measure_diversity(paint: Paint, eye: Eye, scale: float, seeds: int, seed: int = 0) -> Diversity:
    """Every prompt with each of ``seeds`` noises, two or more."""
    wishes = _wishes(seed)
    rng = Random(f"diversity/{seed}")
    asked = [_question(wish, rng) for wish in wishes for _ in range(seeds)]
    vectors = eye.pictures(paint(asked)).split(seeds)  # [seeds, E] each
    spreads = {wish.prompt: _spread(wish, own, eye, rng) for wish, own in zip(wishes, vectors, strict=True)}
    short, full = _mean(spreads[prompt] for prompt in SHORT), _mean(spreads[one.prompt] for one in wishes[len(SHORT) :])
    return Diversity(scale, seeds, short, full, spreads)


def mean_distance(vectors: Tensor) -> float:
    """Mean cosine distance over all pairs of N vectors [N, E] of length 1.

    The squared length of their sum is N, plus twice the cosine of every pair.
    """
    count = len(vectors)
    return 1 - (float(vectors.sum(0).square().sum()) - count) / (count * (count - 1))


def _wishes(seed: int) -> list[_Wish]:
    full = [_Wish(one.prompt, asdict(one.scene)) for one in ask(FULL, held_out=False, seed=seed)]
    return [*(_Wish(prompt, said) for prompt, said in SHORT.items()), *full]


def _question(wish: _Wish, rng: Random) -> Question:
    return Question(_scene(wish, rng), wish.prompt, rng.getrandbits(32))


def _scene(wish: _Wish, rng: Random) -> Scene:
    return random_scene(rng, False, **wish.said)


def _spread(wish: _Wish, vectors: Tensor, eye: Eye, rng: Random) -> Spread:
    scenes = [_scene(wish, rng) for _ in range(DRAWINGS * len(vectors))]
    drawn = eye.drawings(scenes, [rng.getrandbits(32) for _ in scenes])
    return _as_spread(mean_distance(vectors), mean_distance(drawn))


def _mean(spreads: Iterable[Spread]) -> Spread:
    known = list(spreads)
    return _as_spread(
        statistics.fmean(one.pictures for one in known), statistics.fmean(one.drawings for one in known)
    )  # fmt: skip


def _as_spread(pictures: float, drawings: float) -> Spread:
    return Spread(pictures, drawings, pictures / drawings)
