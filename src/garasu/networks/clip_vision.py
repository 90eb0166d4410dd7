"""CLIP's vision tower: a picture to one vector in the space it shares with text.

Dosovitskiy et al. 2020 (the vision transformer) as used by Radford et al. 2021, §2.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from garasu.networks.clip_layers import Activation, CLIPLayer


@dataclass(frozen=True)
class CLIPVisionConfig:
    """All numbers of a vision tower; the defaults are CLIP ViT-L/14."""

    image_size: int = 224
    patch_size: int = 14
    width: int = 1024
    layers: int = 24
    heads: int = 16
    mlp_width: int = 4096
    activation: Activation = "quick_gelu"
    projection_width: int = 768

    @property
    def patches(self) -> int:
        """How many patches a picture is cut into."""
        return (self.image_size // self.patch_size) ** 2


class CLIPVision(nn.Module):
    """Pixels to an embedding. Inputs are normalised by the caller as its checkpoint was trained."""

    def __init__(self, config: CLIPVisionConfig = CLIPVisionConfig()) -> None:
        super().__init__()
        self.config = config
        c = config
        self.class_embedding = nn.Parameter(torch.randn(c.width) * c.width**-0.5)
        self.patch_embedding = nn.Conv2d(3, c.width, c.patch_size, stride=c.patch_size, bias=False)
        self.position_embedding = nn.Embedding(c.patches + 1, c.width)
        self.norm_pre = nn.LayerNorm(c.width)
        self.layers = nn.ModuleList(
            [CLIPLayer(c.width, c.heads, c.mlp_width, c.activation, causal=False) for _ in range(c.layers)]
        )
        self.norm_post = nn.LayerNorm(c.width)
        self.projection = nn.Linear(c.width, c.projection_width, bias=False)

    def embed(self, pixels: Tensor) -> Tensor:
        """Pixels [B, 3, S, S] → what enters the layers [B, 1 + P, D], the class token first."""
        patches = self.patch_embedding(pixels).flatten(2).transpose(1, 2)  # [B, P, D]
        first = self.class_embedding.expand(len(pixels), 1, -1)  # [B, 1, D]
        return self.norm_pre(torch.cat([first, patches], dim=1) + self.position_embedding.weight)

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels [B, 3, S, S] → embedding [B, E], not normalised."""
        x = self.embed(pixels)
        for layer in self.layers:
            x = layer(x)
        return self.projection(self.norm_post(x[:, 0]))


def square(images: Tensor, size: int) -> Tensor:
    """Pictures of any shape squeezed to [B, 3, size, size], as the vision tower takes them."""
    if images.shape[-2:] == (size, size):
        return images
    return F.interpolate(images, (size, size), mode="bilinear", antialias=True)
