"""How many steps are enough: one recipe walked in few steps and in many, and how far apart the results are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from types import MappingProxyType

import torch
from PIL import Image
from torch import Tensor

from garasu.glass.record.sources import steps_from
from garasu.images.convert import to_tensor
from garasu.model import StableDiffusion
from garasu.tasks.picture import Picture
from garasu.tasks.refusal import RecipeError
from garasu.tasks.sampled import Sampled

FEW = (1, 2, 3, 5, 10, 25, 50, 100)
_NO_SOURCES: Mapping[str, Image.Image] = MappingProxyType({})


@dataclass(frozen=True)
class StepsPoint:
    """One walk. ``sampler``: as it was named, so that two spacings of one can be compared ("DPM++ 2M Karras").

    ``seconds`` from noise to the finished latent, ``latent`` [1, 4, h, w] on the CPU. ``distance`` is to the result of
    the same sampler in the most steps, ``from_first`` to that of the first sampler: root mean squares over the latent,
    whose values are about 1. ``levels``: the distance of the picture, of 255.
    """

    sampler: str
    steps: int
    seconds: float
    distance: float
    from_first: float
    levels: float
    latent: Tensor = field(repr=False)
    picture: Image.Image = field(repr=False)

    def __str__(self) -> str:
        return (
            f"{self.sampler} in {self.steps} step{'s' * (self.steps > 1)}: {self.seconds:.3g} s, "
            f"{self.distance:.3g} away ({self.levels:.3g} levels)"
        )


def measure_steps(
    sd: StableDiffusion,
    recipe: Sampled,
    steps: Sequence[int] = FEW,
    samplers: Sequence[str] = ("ddim",),
    sources: Mapping[str, Image.Image] = _NO_SOURCES,
) -> Iterator[StepsPoint]:
    """Walk a recipe by each sampler in so many steps, and compare; of each sampler the most steps come first.

    Args:
        recipe: of one picture, with its seed. All but its steps and sampler stay.
        sources: "image" and "mask", where the recipe starts from them.

    Raises:
        RecipeError: no seed, more than one picture, fewer than two numbers of steps, or a number or a sampler that
            cannot be.
    """
    if recipe.seed is None or recipe.count != 1:
        raise RecipeError("steps are compared on one picture of one seed: give the recipe a seed, and a count of 1")
    counts = sorted(set(steps), reverse=True)
    if len(counts) < 2 or not samplers:
        raise RecipeError("to compare, name two numbers of steps or more (--steps 5,25) and a sampler")
    every = {name: [recipe.but(sampler=name, steps=count) for count in counts] for name in samplers}
    _walk(sd, every[samplers[0]][-1], sources)  # what the first walk does besides, later ones do not
    first: _Walked | None = None
    for name, row in every.items():
        end: _Walked | None = None
        for one in row:
            made = _walk(sd, one, sources)
            end, first = end or made, first or made
            yield _point(name, one.steps, made, end, first)


@dataclass(frozen=True, eq=False)
class _Walked:
    """Seconds to the finished latent, that latent, and its picture."""

    seconds: float
    latent: Tensor
    picture: Image.Image


def _walk(sd: StableDiffusion, recipe: Sampled, sources: Mapping[str, Image.Image]) -> _Walked:
    latent, seconds, start = torch.empty(0), 0.0, perf_counter()
    for one in steps_from(sd, recipe, *sources.values()):
        if isinstance(one, Picture):  # the walks before it are over: the last finished latent is its own
            return _Walked(seconds, latent, one.image)
        if one.index == one.total:
            latent = one.latent.float().cpu()  # which waits for a GPU
            seconds = perf_counter() - start
    raise AssertionError("a task ends with a picture")


def _point(sampler: str, steps: int, made: _Walked, end: _Walked, first: _Walked) -> StepsPoint:
    return StepsPoint(
        sampler=sampler,
        steps=steps,
        seconds=made.seconds,
        distance=_apart(made.latent, end.latent),
        from_first=_apart(made.latent, first.latent),
        levels=127.5 * _apart(to_tensor(made.picture), to_tensor(end.picture)),
        latent=made.latent,
        picture=made.picture,
    )


def _apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).square().mean().sqrt())
