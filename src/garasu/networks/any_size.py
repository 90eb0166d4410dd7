"""A VAE over pictures of any size: whole where memory suffices, in tiles where it does not."""

from __future__ import annotations

import torch
from torch import Tensor

from garasu.networks import tiled
from garasu.networks.vae import VAE, Posterior

WHOLE = 128 * 128  # cells of the largest latent that is taken whole; Stable Diffusion's VAE needs 10 GB there


def encode(vae: VAE, image: Tensor) -> Posterior:
    """As ``vae.encode``: [B, 3, H, W] → a posterior over [B, 4, h, w]."""
    cells = image.shape[-2] * image.shape[-1] // vae.config.factor**2
    return vae.encode(image) if cells <= WHOLE else tiled.encode(vae, image)


def decode(vae: VAE, latent: Tensor) -> Tensor:
    """As ``vae.decode``: [B, 4, h, w] → [B, 3, H, W]; also in tiles where a GPU's memory turns out too small."""
    if latent.shape[-2] * latent.shape[-1] <= WHOLE:
        try:
            return vae.decode(latent)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
    return tiled.decode(vae, latent)
