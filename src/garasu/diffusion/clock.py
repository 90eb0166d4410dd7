"""By what the words of a prompt that changes on its way are timed: by noise level, or by question to the denoiser."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from garasu.diffusion.denoiser import Denoise


class Clock(Protocol):
    """One run's. ``steps``: how many it counts in all; prompts divide these among their wordings."""

    steps: int

    def step(self, sigma: Tensor) -> int:
        """The step that an evaluation at this level belongs to, from 1."""

    def watched(self, denoise: Denoise) -> Denoise:
        """The run's whole denoiser, with each of its evaluations noticed."""


class ByLevel:
    """The walk's own steps, so that a sampler that asks twice in a step is told the same both times.

    With n steps, step k leads from the level of index k − 1 to that of k. An evaluation between two levels belongs to
    the step that it is part of, one at the next level already to the next step.
    """

    def __init__(self, sigmas: Tensor) -> None:
        """``sigmas``: the walk's levels, descending [n + 1]."""
        self._levels = sigmas.tolist()[:-1]
        self.steps = len(self._levels)

    def step(self, sigma: Tensor) -> int:
        """By where the level lies among the walk's."""
        return max(1, sum(level >= float(sigma) for level in self._levels))

    def watched(self, denoise: Denoise) -> Denoise:
        """As it is: the level says all."""
        return denoise


class ByQuestion:
    """A1111's: the evaluations so far, from 0. The first two belong to step 1, since it has no step 0."""

    def __init__(self, steps: int) -> None:
        """``steps``: how many evaluations are expected, whether or not they come."""
        self.steps = steps
        self._asked = 0

    def step(self, sigma: Tensor) -> int:
        """By how often the denoiser was asked, whatever the level."""
        return max(1, self._asked)

    def watched(self, denoise: Denoise) -> Denoise:
        """Counted."""

        def counted(x: Tensor, sigma: Tensor) -> Tensor:
            x0 = denoise(x, sigma)
            self._asked += 1
            return x0

        return counted
