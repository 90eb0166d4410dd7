"""Guidance over a whole walk, by prompts that may change on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from garasu.diffusion.clock import Clock
from garasu.diffusion.denoiser import Denoise
from garasu.diffusion.guidance import Conditioned, by_step, guided, within
from garasu.prompts.conditioning import filled
from garasu.prompts.schedule import Guided, Words, guided_stretches


@dataclass(frozen=True, eq=False)
class Guidance:
    """How strictly a walk follows its prompts, and where.

    ``scale``: one, or [B] for each row its own; ``start``, ``end``: the part of the walk that is guided, 0…1, as
    shares of its steps; ``told``: the network itself is told the scale (LCM), and needs no second row.
    """

    scale: float | Tensor
    start: float = 0.0
    end: float = 1.0
    told: bool = False

    @torch.no_grad()
    def stretches(
        self, words: Words, negative: Words | None, steps: int, empty: Callable[[], Tensor]
    ) -> tuple[Guided, ...]:
        """What to follow and what to avoid over ``steps``; nothing to avoid where that would make no difference.

        ``empty`` gives the empty prompt's conditioning, [1, 77, D], which is avoided when ``negative`` is None.
        """
        found = guided_stretches(words, None, steps)
        unguided = not isinstance(self.scale, Tensor) and self.scale == 1 and all(one.alone for one in found)
        if self.told or unguided:
            return found
        if negative is None:
            nothing = empty()
            negative = filled(nothing, found[0].parts[0].context.shape[1], nothing)
        return guided_stretches(words, negative, steps)

    def over(self, denoiser: Conditioned, stretches: Sequence[Guided], sigmas: Tensor, clock: Clock) -> Denoise:
        """A denoiser that does what the stretches say, each at its steps.

        Args:
            denoiser: (x, sigma, context) → x0.
            stretches: on the device of ``denoiser``.
            sigmas: the walk's levels, descending [n + 1].
            clock: by what the stretches' steps are counted on it.

        Raises:
            SamplingError: not 0 ≤ start < end ≤ 1, or as `garasu.diffusion.guidance.guided`.
        """
        scale = 1 if self.told else self.scale
        denoise = by_step([(one.until, guided(denoiser, one.parts, one.negative, scale)) for one in stretches], clock)
        if (self.start, self.end) != (0, 1):
            alone = by_step([(one.until, guided(denoiser, one.parts, None, 1)) for one in stretches], clock)
            denoise = within(denoise, alone, sigmas, self.start, self.end)
        return clock.watched(denoise)
