"""The denoiser of one run: the model's own, or one around what the run puts in the U-Net's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from garasu.diffusion.denoiser import Denoiser
from garasu.engine import Visiting
from garasu.model.errors import ModelError
from garasu.networks.deep_cache import DeepCached
from garasu.networks.given import Inpainting, Told
from garasu.networks.token_merging import TokenMerged

if TYPE_CHECKING:
    from garasu.diffusion.canvas import Canvas
    from garasu.model.stable_diffusion import StableDiffusion


def run_denoiser(
    sd: StableDiffusion,
    grid: tuple[int, int],
    canvas: Canvas | None = None,
    cache: DeepCached | None = None,
    *,
    told: float | Tensor | None = None,
    token_merging: float = 0.0,
) -> Denoiser:
    """A denoiser that needs x, σ and words alone: all else that the U-Net takes is given to it here.

    Args:
        sd: the model.
        grid: height and width of the run's latent.
        canvas: what an inpainting U-Net of 9 channels sees beside x; without a mask it may paint everywhere.
        cache: stands for the U-Net, and reuses its deep part.
        told: the guidance scale, one or [B], for a distilled U-Net.
        token_merging: the share of pixels, 0…0.75, that self-attention at the full size merges.

    Raises:
        ModelError: a mask without the masked picture, for an inpainting U-Net.
        ValueError: ``token_merging`` out of range.
    """
    network = _approximated(sd, cache, token_merging)
    if told is not None:
        network = Told(network, told)
    if sd.unet.config.in_channels == 9:
        network = Inpainting(network, _picture(sd, grid, canvas))
    if network is sd.denoiser.network:
        return sd.denoiser
    denoiser = Denoiser(network, sd.schedule, sd.denoiser.prediction)
    denoiser.x0 = sd.denoiser.x0  # so that whoever looks through this model's pane sees this run
    return denoiser


def _approximated(sd: StableDiffusion, cache: DeepCached | None, token_merging: float) -> nn.Module:
    """The U-Net, or what stands for it, with what was asked for to be nearly the same in less time."""
    network: nn.Module = cache or cast(nn.Module, sd.denoiser.network)
    if token_merging:
        network = TokenMerged(network, sd.unet, token_merging)
    if sd.residence is None or network is sd.denoiser.network:
        return network
    return Visiting(sd.unet, sd.residence, network)


def _picture(sd: StableDiffusion, grid: tuple[int, int], canvas: Canvas | None) -> Tensor:
    """The mask and the masked picture, [1, 5, h, w]; all is masked, and gray, where none are given."""
    if canvas is not None and canvas.mask is not None:
        mask, masked = canvas.mask.to(sd.device), canvas.masked
        if masked is None:
            raise ModelError("an inpainting model needs the masked picture beside the mask: give canvas.masked")
    else:
        factor = sd.vae.config.factor
        gray = torch.zeros(1, 3, grid[0] * factor, grid[1] * factor)  # in -1..1
        mask, masked = torch.ones(1, 1, *grid, device=sd.device), sd.encode_image(gray)
    return torch.cat([mask, masked.to(sd.device)], dim=1)
