"""TAESD's decoder: a small network that gives nearly the VAE's picture in a fraction of its time.

Ollin Boer Bohan's Tiny AutoEncoder for Stable Diffusion, in the form of diffusers' `AutoencoderTiny`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class TinyDecoderConfig:
    """All numbers of a decoder; the defaults are TAESD's for Stable Diffusion 1.x."""

    latent_channels: int = 4
    channels: int = 64
    blocks: tuple[int, ...] = (3, 3, 3, 1)  # of each level, the first at the latent's size


class TinyBlock(nn.Module):
    """Three convolutions around a skip. [B, C, H, W] → [B, C, H, W]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] → [B, C, H, W]."""
        return F.relu(self.conv(x) + x)


class TinyDecoder(nn.Module):
    """Latents of unit variance to pictures, each level but the last doubling the sides."""

    def __init__(self, config: TinyDecoderConfig = TinyDecoderConfig()) -> None:
        super().__init__()
        self.config = config
        width = config.channels
        layers: list[nn.Module] = [nn.Conv2d(config.latent_channels, width, 3, padding=1), nn.ReLU()]
        for count in config.blocks:
            layers += [TinyBlock(width) for _ in range(count)]
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1, bias=False)]
        layers[-2:] = [nn.Conv2d(width, 3, 3, padding=1)]  # the last level does not double
        self.layers = nn.Sequential(*layers)

    def forward(self, latent: Tensor) -> Tensor:
        """Latent [B, 4, h, w] of unit variance → picture [B, 3, 8h, 8w], about −1…1."""
        return self.layers(3 * torch.tanh(latent / 3)) * 2 - 1
