"""What a latent will look like, without the VAE: a linear map of its channels to colours, or a tiny decoder.

A cell of a latent is mostly the colour of its pixels, mixed: four numbers times a matrix give a picture of an eighth of
the width, in no time. It shows composition and colours, and no detail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from garasu.images.convert import to_pictures, to_tensor
from garasu.model import StableDiffusion
from garasu.networks.tiny_decoder import TinyDecoder
from garasu.networks.vae import VAEConfig

_SAMPLES = 12
_SAMPLE_CELLS = 8  # a side
_PATCHES = 4  # colours a side of a sample


class Preview(Protocol):
    """Makes small pictures of latents."""

    def __call__(self, latent: Tensor, /) -> list[Image.Image]:
        """Latents [B, 4, h, w] of unit variance → B pictures."""


@dataclass(frozen=True, eq=False)
class LinearPreview:
    """Colour = cell · factors + base, in −1…1; one pixel for each cell of the latent."""

    factors: Tensor  # [4, 3]
    base: Tensor  # [3]

    def __call__(self, latent: Tensor, /) -> list[Image.Image]:
        """Latents [B, 4, h, w] → B pictures of w×h pixels."""
        cells = latent.detach().float().cpu().movedim(1, -1)  # [B, h, w, 4]
        return to_pictures((cells @ self.factors + self.base).movedim(-1, 1))


@dataclass(frozen=True, eq=False)
class TinyPreview:
    """A tiny decoder's pictures, in the full size."""

    decoder: TinyDecoder

    @torch.no_grad()
    def __call__(self, latent: Tensor, /) -> list[Image.Image]:
        """Latents [B, 4, h, w] → B pictures of 8w×8h pixels."""
        weight = next(self.decoder.parameters())
        return to_pictures(self.decoder(latent.to(weight)))


# Measured by least squares on Stable Diffusion's latents by the user keturn, whose post AUTOMATIC1111's web UI takes as
# "Approx cheap": https://discuss.huggingface.co/t/decoding-latents-to-rgb-without-upscaling/23204
STABLE_DIFFUSION = LinearPreview(
    torch.tensor([[0.298, 0.207, 0.208], [0.187, 0.286, 0.173], [-0.158, 0.189, 0.264], [-0.184, -0.271, -0.473]]),
    torch.zeros(3),
)


# Measured by `fitted` on the finished latents of 21 prompts; on those of other seeds it explains 78 % of the variance.
BUNDLED = LinearPreview(
    torch.tensor(
        [[0.0096, -0.1913, -0.3452], [-0.4260, -0.3664, -0.2906], [0.0288, 0.0212, 0.0663], [-0.0344, 0.0192, 0.0643]]
    ),
    torch.tensor([0.2799, 0.2822, 0.2892]),
)


def linear_preview(sd: StableDiffusion) -> LinearPreview:
    """The linear map of a model: the known one of Stable Diffusion's VAE, the measured one of ours, else a fit."""
    if sd.vae.config == VAEConfig():
        return STABLE_DIFFUSION
    return BUNDLED if sd.name == "bundled" else fitted(sd, sampled_latents(sd))


def fitted(sd: StableDiffusion, latent: Tensor) -> LinearPreview:
    """The linear map that comes nearest to what the model's VAE decodes these latents [B, 4, h, w] to."""
    decoded = to_tensor(sd.decode_each(latent))
    colors = F.avg_pool2d(decoded, sd.vae.config.factor).movedim(1, -1).flatten(0, 2)  # [cells, 3]
    cells = latent.detach().float().cpu().movedim(1, -1).flatten(0, 2)  # [cells, 4]
    known = torch.cat([cells, torch.ones(len(cells), 1)], dim=1)
    solution = torch.linalg.lstsq(known, colors, driver="gelsd").solution
    return LinearPreview(solution[:-1], solution[-1])


def sampled_latents(sd: StableDiffusion) -> Tensor:
    """Latents to fit to, [12, 4, 8, 8]: small pictures of soft patches of random colours, as the VAE encodes them."""
    generator = torch.Generator().manual_seed(0)
    patches = torch.rand(_SAMPLES, 3, _PATCHES, _PATCHES, generator=generator) * 2 - 1
    side = _SAMPLE_CELLS * sd.vae.config.factor
    return sd.encode_image(F.interpolate(patches, (side, side), mode="bilinear"))
