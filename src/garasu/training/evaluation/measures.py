"""The plain measurements, each on its own: obedience to prompts, the VAE's loss, retrieval, and seconds a picture."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from garasu.images.convert import to_tensor
from garasu.model import StableDiffusion
from garasu.training.evaluation.features import own_tower
from garasu.training.evaluation.probe import Probe, draw
from garasu.training.evaluation.questions import Question, named, unsaid
from garasu.training.parts.clip import square, trimmed_ids
from garasu.world.captions import full_caption
from garasu.world.scene import random_scene

ROWS_ON_CPU, ROWS_ON_GPU = 16, 64  # pictures drawn or encoded at once
BATCH = 64  # pictures and captions that are told apart in retrieval


@dataclass(frozen=True)
class Score:
    """How many of how many were right."""

    right: int = 0
    of: int = 0

    @property
    def share(self) -> float:
        """Right ones among all, 0…1; not a number when nothing was asked."""
        return self.right / self.of if self.of else math.nan

    def with_one(self, right: bool) -> Score:
        """The score after one more."""
        return Score(self.right + right, self.of + 1)

    def __add__(self, other: Score) -> Score:
        return Score(self.right + other.right, self.of + other.of)


Scores = Mapping[str, Score]


@dataclass(frozen=True)
class Verdict:
    """What the probe found of what the prompts named, and of what went without saying, by attribute."""

    named: Scores
    unsaid: Scores


@dataclass(frozen=True)
class Retrieval:
    """How often the caption nearest to a picture, among BATCH captions, is its own."""

    share: float
    batches: int


Settings = Mapping[str, str | int | float]
"""Keyword arguments of ``StableDiffusion.sample``, and ``clip_skip`` of ``encode``."""


def rows_at_once(sd: StableDiffusion) -> int:
    """How many pictures go through the model together."""
    return ROWS_ON_CPU if sd.device.type == "cpu" else ROWS_ON_GPU


def pictures_of(sd: StableDiffusion, questions: Sequence[Question], settings: Settings) -> Iterator[Image.Image]:
    """The model's answers, a batch at a time."""
    rows = rows_at_once(sd)
    for first in range(0, len(questions), rows):
        some = questions[first : first + rows]
        latent = _finished(sd, [one.prompt for one in some], [one.seed for one in some], settings)
        yield from sd.decode_each(latent)


def judge(probe: Probe, questions: Iterable[Question], pictures: Iterable[Image.Image]) -> Verdict:
    """What the probe says of the pictures."""
    told: dict[str, Score] = {}
    left: dict[str, Score] = {}
    for question, seen in zip(questions, read(probe, map(to_tensor, pictures)), strict=True):
        for scores, asked in ((told, named(question.scene)), (left, unsaid(question.scene))):
            tally(scores, asked, seen)
    return Verdict(told, left)


def read(probe: Probe, images: Iterable[Tensor]) -> Iterator[dict[str, str]]:
    """What the probe sees in pictures [B, 3, H, W] in −1…1, one after the other."""
    device = next(probe.parameters()).device
    for some in images:
        yield from probe.read(some.to(device))


def tally(scores: dict[str, Score], asked: Mapping[str, str], seen: Mapping[str, str]) -> None:
    """Count each attribute asked for as right or wrong."""
    for name, value in asked.items():
        scores[name] = scores.get(name, Score()).with_one(seen[name] == value)


@torch.no_grad()
def retrieval(sd: StableDiffusion, batches: int, seed: int = 0) -> Retrieval | None:
    """Top-1 of picture → caption among BATCH fresh drawings with full captions; None without both towers of CLIP."""
    tower = own_tower(sd)
    if tower is None:
        return None
    side = tower.config.image_size
    right = 0
    for images, captions in _fresh(batches * BATCH, BATCH, (side, side), f"retrieval/{seed}"):
        seen = F.normalize(tower(square(images, side).to(sd.device, sd.dtype)).float(), dim=-1)
        nearest = (seen @ _caption_vectors(sd, captions).T).argmax(1).cpu()
        right += int((nearest == torch.arange(len(captions))).sum())
    return Retrieval(right / (batches * BATCH), batches)


def _caption_vectors(sd: StableDiffusion, captions: list[str]) -> Tensor:
    ids = trimmed_ids(sd.tokenizer, captions, sd.text_encoder.config.max_length).to(sd.device)
    pooled = sd.text_encoder.pooled(sd.text_encoder(ids), ids, sd.tokenizer.eos_id)
    return F.normalize(sd.text_encoder.project(pooled).float(), dim=-1)  # [B, E]


def _fresh(count: int, rows: int, size: tuple[int, int], name: str) -> Iterator[tuple[Tensor, list[str]]]:
    """Drawings [B, 3, H, W] in −1…1 with full captions, none of them from training."""
    rng = Random(name)
    for first in range(0, count, rows):
        scenes = [random_scene(rng) for _ in range(min(rows, count - first))]
        images = draw(scenes, [rng.getrandbits(32) for _ in scenes], size)
        yield images, [full_caption(scene, rng) for scene in scenes]


def seconds_per_picture(sd: StableDiffusion, settings: Settings, repeats: int = 3) -> float:
    """Median time from a prompt to one picture, after one to warm up."""
    return statistics.median([_seconds(lambda: _one_picture(sd, settings)) for _ in range(repeats + 1)][1:])


def _one_picture(sd: StableDiffusion, settings: Settings) -> None:
    sd.decode_each(_finished(sd, ["a black cat with yellow eyes"], [7], settings))


def _finished(sd: StableDiffusion, prompts: Sequence[str], seeds: Sequence[int], settings: Settings) -> Tensor:
    """The finished latents of captions."""
    knobs: dict[str, Any] = dict(settings)
    skip = knobs.pop("clip_skip", 1)
    words, nothing = sd.encode(prompts, clip_skip=skip), sd.encode("", clip_skip=skip)
    *_, last = sd.sample(words, negative=nothing, seed=seeds, **knobs)
    return last.latent


def _seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
