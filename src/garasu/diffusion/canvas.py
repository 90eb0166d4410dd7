"""A picture to start from: how much of it is noised away, and which part of it is kept.

Both are done around a sampler, which knows nothing of it: it begins further down the levels, and what it asks about,
or what it is answered, is blended with the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

import torch
from torch import Tensor

from garasu.diffusion.denoiser import Denoise
from garasu.diffusion.errors import SamplingError, unknown
from garasu.diffusion.samplers.protocol import Draw, Questions

Blend = Literal["latent", "x0", "fresh", "clean"]
BLENDS = ("latent", "x0", "fresh", "clean")


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
            f"A strength of {strength:g} leaves none of {steps} steps; take {least(1, steps)} or more, or more steps."
        )
    return left


def least(count: int, steps: int) -> str:
    """The smallest strength in thousandths of which int(strength·steps) is at least ``count``."""
    return f"{ceil(1000 * count / steps) / 1000:g}"


@dataclass(frozen=True, eq=False)
class Canvas:
    """A clean latent to paint on.

    ``latent``: [B or 1, C, H, W], scaled as the network was trained; ``strength``: the share of the steps that are
    run, 0…1 (SDEdit, Meng et al., arXiv:2108.01073); ``mask``: 1 where to paint, 0 where to keep, [B or 1, 1, H, W],
    anything between for a soft edge, or none to paint everywhere; ``masked``: for a network of 9 channels, the latent
    of the picture with the part to paint gray, like ``latent``.

    ``blend`` says how the kept part is kept. "latent" (diffusers): before every question but the first, x there
    becomes the picture with the run's own first noise at that level. "x0" (A1111's k-diffusion samplers): every
    answer there becomes the picture, which suits samplers that look back at earlier answers. "fresh" (CompVis): as
    "latent", but before every question and with noise drawn for it. "clean" (A1111's DDIM and PLMS since 1.6): the
    denoiser is shown the picture there without any noise, and the sampler goes on from its own x. Either way the
    finished latent is exactly the picture's where the mask is 0.

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

    def begin(self, noise: Tensor, sigma: float) -> Tensor | None:
        """x at the first level, [B, C, H, W]: the picture under noise. None for noise alone: at full strength with a
        mask nothing of the picture shall show through where it is painted over.
        """
        if self.strength == 1 and self.mask is not None:
            return None
        return self.under(noise, sigma, sigma)

    def under(self, noise: Tensor, noised: float, sigma: float) -> Tensor:
        """The picture under noise of one level, taken for one at level ``sigma``: [B, C, H, W].

        Where both differ x keeps its size as the network sees it, at unit variance (VP).
        """
        return (self.latent.to(noise) + noised * noise) * ((1 + sigma**2) / (1 + noised**2)) ** 0.5

    def keep(self, questions: Questions, noise: Tensor, final_sigma: float, draw: Draw) -> Questions:
        """The sampler, with x blended between its steps.

        ``noise`` [B, C, H, W] is what the run began from; ``draw`` gives the noises of the blend "fresh".
        """
        if self.mask is None:
            return questions
        if self.blend == "latent":
            return self._kept(questions, lambda: noise, final_sigma, first=False)
        return self._kept(questions, draw if self.blend == "fresh" else None, final_sigma, first=True)

    def _kept(self, questions: Questions, draw: Draw | None, final_sigma: float, *, first: bool) -> Questions:
        x, sigma = next(questions)
        blends = first
        while True:
            if blends and draw is not None:
                x = self._mixed(x, self.latent.to(x) + sigma * draw())
            answer = yield x, sigma
            try:
                x, sigma = questions.send(answer)
            except StopIteration as end:
                finished: Tensor = end.value
                return self._mixed(finished, self.latent.to(finished) * (1 + final_sigma**2) ** 0.5)
            blends = True

    def answered(self, denoise: Denoise) -> Denoise:
        """The denoiser, with its answers blended, or what it is asked about."""
        if self.mask is None or self.blend not in ("x0", "clean"):
            return denoise

        def blended(x: Tensor, sigma: Tensor) -> Tensor:
            return self._mixed(denoise(x, sigma), self.latent.to(x))

        def shown(x: Tensor, sigma: Tensor) -> Tensor:
            seen = self._mixed(x, self.latent.to(x) * (1 + float(sigma) ** 2) ** 0.5)
            return denoise(seen, sigma) + (x - seen)  # the noise that it found in what it saw, taken off x

        return blended if self.blend == "x0" else shown

    def _mixed(self, painted: Tensor, kept: Tensor) -> Tensor:
        assert self.mask is not None
        return torch.lerp(kept.expand_as(painted), painted, self.mask.to(painted))
