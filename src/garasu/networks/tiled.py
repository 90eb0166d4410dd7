"""A VAE over a picture that is too large for memory: in overlapping tiles whose results melt into one.

Convolutions see a few cells around each pixel, so a wide overlap leaves them what they would have seen; only what looks
at the whole picture at once, the normalisations and the attention in the middle, sees a tile in its place.
"""

from __future__ import annotations

import torch
from torch import Tensor

from garasu.images.tiles import blend, tiles
from garasu.networks.vae import VAE, Posterior

TILE = 96  # cells of the latent on each side
OVERLAP = 24


def decode(vae: VAE, latent: Tensor, tile: int = TILE, overlap: int = OVERLAP) -> Tensor:
    """As ``vae.decode``, a tile at a time: [B, 4, h, w] → [B, 3, H, W]."""
    height, width = latent.shape[-2:]
    factor = vae.config.factor
    boxes = tiles((width, height), tile, overlap)
    parts = (vae.decode(latent[..., *box.slices]) for box in boxes)
    return blend(parts, [box.scaled(factor) for box in boxes], (width * factor, height * factor))


def encode(vae: VAE, image: Tensor, tile: int = TILE, overlap: int = OVERLAP) -> Posterior:
    """As ``vae.encode``, a tile at a time: [B, 3, H, W] → a posterior over [B, 4, h, w]."""
    factor = vae.config.factor
    size = image.shape[-1] // factor, image.shape[-2] // factor
    boxes = tiles(size, tile, overlap)
    parts = (_moments(vae.encode(image[..., *box.scaled(factor).slices])) for box in boxes)
    mean, log_variance = blend(parts, boxes, size).chunk(2, dim=1)
    return Posterior(mean, log_variance)


def _moments(posterior: Posterior) -> Tensor:
    return torch.cat([posterior.mean, posterior.log_variance], dim=1)
