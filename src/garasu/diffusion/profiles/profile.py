"""What a profile decides: which levels are walked, where a picture begins, what is kept, which noise and pixels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from garasu.diffusion.canvas import Blend, Canvas
from garasu.diffusion.clock import ByLevel, Clock
from garasu.diffusion.errors import SamplingError
from garasu.diffusion.noise import Source
from garasu.diffusion.samplers.table import Sampler
from garasu.diffusion.schedule import Schedule


@dataclass(frozen=True, eq=False)
class Walk:
    """A run's levels, and how a picture is noised before it.

    ``sigmas``: the levels to denoise at, and the one to end at, float64 [n + 1], descending; ``noised``: the level of
    the noise that a picture to start from is laid under, not everywhere the first of ``sigmas``.
    """

    sigmas: Tensor
    noised: float

    def __len__(self) -> int:
        """How many steps it has."""
        return len(self.sigmas) - 1

    @property
    def final_sigma(self) -> float:
        """The level that it ends at."""
        return float(self.sigmas[-1])


class Profile(ABC):
    """One tool's reading of a recipe.

    ``noise``: where its noise comes from; ``rounding``: what becomes of a pixel's fraction; ``keeps_nine``: whether it
    blends with a mask also what a network of 9 channels paints; ``counts_on``: whether prompts that change on the way
    go on with their count in hires fix's second pass, and do not begin anew.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    noise: ClassVar[Source]
    rounding: ClassVar[Literal["nearest", "down"]]
    keeps_nine: ClassVar[bool] = False
    counts_on: ClassVar[bool] = False

    @abstractmethod
    def check(self, sampler: str, spacing: str | None, *, discard: bool = False, picture: bool = False) -> None:
        """Raises SamplingError for a sampler or spacing that the tool has not; ``picture``: when starting from one."""

    @abstractmethod
    def levels(self, kind: Sampler, schedule: Schedule, steps: int, spacing: str | None, discard: bool) -> Tensor:
        """The levels of a whole run from noise, float64 [n + 1], descending; n is not everywhere ``steps``.

        ``discard``: lay out one step more and leave out the level before the last.

        Raises:
            SamplingError: steps out of range.
        """

    @abstractmethod
    def counted(self, strength: float, steps: int) -> int:
        """What a strength of 0…1 comes to in steps: strengths with the same count make the same picture.

        Raises:
            SamplingError: a strength that the tool cannot do, or that leaves no step.
        """

    @abstractmethod
    def part(self, sigmas: Tensor, steps: int, strength: float, kind: Sampler) -> Walk:
        """The part of a whole run's levels that is walked from a picture; raises as ``counted``."""

    @abstractmethod
    def blend(self, sampler: str) -> Blend:
        """How the kept part of a masked picture is kept: see ``Canvas``."""

    @abstractmethod
    def first(self, kind: Sampler, noise: Tensor, walk: Walk, canvas: Canvas | None, spacing: str | None) -> Tensor:
        """The first x, [B, C, H, W], from standard normal ``noise`` and the picture to start from, if there is one."""

    def told(self, kind: Sampler, steps: int) -> int:
        """Of how many steps a prompt is told that changes on its way, in a whole run of ``steps``."""
        return steps

    def clock(self, kind: Sampler, steps: int, sigmas: Tensor) -> Clock:
        """By what such a prompt is timed on a walk down ``sigmas``, which may be a part of a whole run's."""
        return ByLevel(sigmas)

    def second_pass(self, steps: int, strength: float) -> tuple[int, float]:
        """Steps and strength, as for a picture to start from, of hires fix's second pass."""
        return steps, strength

    def walk(
        self,
        kind: Sampler,
        schedule: Schedule,
        steps: int,
        spacing: str | None = None,
        strength: float | None = None,
        *,
        discard: bool = False,
    ) -> Walk:
        """The walk of a recipe: from noise, or with a ``strength`` from a picture.

        Raises:
            SamplingError: what the tool has not, and numbers out of range.
        """
        self.check(kind.name, spacing, discard=discard, picture=strength is not None)
        sigmas = self.levels(kind, schedule, steps, spacing, discard)
        return Walk(sigmas, float(sigmas[0])) if strength is None else self.part(sigmas, steps, strength, kind)


def without_penultimate(sigmas: Tensor) -> Tensor:
    """The levels [n + 1] without the one before the last: k-diffusion's second-order samplers spend it badly."""
    return torch.cat([sigmas[:-2], sigmas[-1:]])


def checked_steps(steps: int, most: int) -> int:
    """``steps``, if it is a whole number from 1 to ``most``; else raises SamplingError."""
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= most:
        raise SamplingError(f"steps must be a whole number from 1 to {most}, got {steps!r}.")
    return steps
