"""A picture to start from: how much of it is noised away, and which part of it is kept.

Both are done around a sampler, which knows nothing of it: it begins further down the levels, and what it asks about,
or what it is answered, is blended with the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from garasu.diffusion.denoiser import Denoise
from garasu.diffusion.errors import SamplingError, unknown
from garasu.diffusion.samplers.protocol import Questions

Blend = Literal["latent", "x0"]
BLENDS = ("latent", "x0")


def steps_left(strength: float, steps: int) -> int:
    """How many of ``steps`` a strength of 0…1 runs: int(strength·steps), the last ones; as diffusers counts.

    Raises:
        SamplingError: the strength is out of range, or so small that no step is left.
    """
    if not 0 < strength <= 1:
        raise SamplingError(f"strength must be more than 0 and at most 1, got {strength:g}.")
    left = min(int(steps * strength), steps)
    if not left:
        raise SamplingError(
            f"A strength of {strength:g} leaves none of {steps} steps; take {1 / steps:.2g} or more, or more steps."
        )
    return left


@dataclass(frozen=True, eq=False)
class Canvas:
    """A clean latent to paint on.

    ``latent``: [B or 1, C, H, W], scaled as the network was trained; ``strength``: the share of the steps that are
    run, 0…1 (SDEdit, Meng et al., arXiv:2108.01073); ``mask``: 1 where to paint, 0 where to keep, [B or 1, 1, H, W],
    anything between for a soft edge, or none to paint everywhere; ``masked``: for a network of 9 channels, the latent
    of the picture with the part to paint gray, like ``latent``.

    ``blend`` says how the kept part is kept. "latent" (diffusers): before every question but the first, x there
    becomes the picture with the run's own first noise at that level. "x0" (A1111's k-diffusion samplers): every
    answer there becomes the picture, which suits samplers that look back at earlier answers. Either way the finished
    latent is exactly the picture's where the mask is 0.

    Raises:
        SamplingError: an unknown blend or a strength that is out of range.
    """

    latent: Tensor
    strength: float = 1.0
    mask: Tensor | None = None
    blend: Blend = "latent"
    masked: Tensor | None = None

    def __post_init__(self) -> None:
        if self.blend not in BLENDS:
            raise unknown("blend", self.blend, BLENDS)
        steps_left(self.strength, 10**6)

    def levels(self, sigmas: Tensor) -> Tensor:
        """The part of a run's levels [steps + 1] that is walked."""
        steps = len(sigmas) - 1
        return sigmas[steps - steps_left(self.strength, steps) :]

    def begin(self, noise: Tensor, sigma: float) -> Tensor | None:
        """x at the first level, [B, C, H, W]: the picture under noise. None for noise alone: at full strength with a
        mask nothing of the picture shall show through where it is painted over.
        """
        if self.strength == 1 and self.mask is not None:
            return None
        return self.latent.to(noise) + sigma * noise

    def keep(self, questions: Questions, noise: Tensor, final_sigma: float) -> Questions:
        """The sampler, with x blended between its steps; ``noise`` [B, C, H, W] is what the run began from."""
        if self.mask is None:
            return questions
        return self._kept(questions, noise, final_sigma)

    def _kept(self, questions: Questions, noise: Tensor, final_sigma: float) -> Questions:
        between = noise if self.blend == "latent" else None
        x, sigma = next(questions)
        while True:
            answer = yield x, sigma
            try:
                x, sigma = questions.send(answer)
            except StopIteration as end:
                finished: Tensor = end.value
                return self._mixed(finished, self.latent.to(finished) * (1 + final_sigma**2) ** 0.5)
            if between is not None:
                x = self._mixed(x, self.latent.to(x) + sigma * between)

    def answered(self, denoise: Denoise) -> Denoise:
        """The denoiser, with its answers blended."""
        if self.mask is None or self.blend != "x0":
            return denoise

        def blended(x: Tensor, sigma: Tensor) -> Tensor:
            return self._mixed(denoise(x, sigma), self.latent.to(x))

        return blended

    def _mixed(self, painted: Tensor, kept: Tensor) -> Tensor:
        assert self.mask is not None
        return torch.lerp(kept.expand_as(painted), painted, self.mask.to(painted))
