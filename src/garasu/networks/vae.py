"""The VAE: a picture to a small latent of four channels, and back.

Rombach et al. 2022, §3.1; Kingma and Welling 2013. Each level but the last halves height and width, so Stable
Diffusion's four levels make 8×8 pixels of RGB one latent pixel of four numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from garasu.networks.attention import Attention
from garasu.networks.blocks import Downsample, GroupNorm, ResNet, Upsample

EPS = 1e-6


@dataclass(frozen=True)
class VAEConfig:
    """All numbers of a VAE; the defaults are Stable Diffusion 1.5."""

    in_channels: int = 3
    latent_channels: int = 4
    channels: tuple[int, ...] = (128, 256, 512, 512)
    layers: int = 2  # residual blocks a level in the encoder; one more in the decoder
    groups: int = 32
    scaling_factor: float = 0.18215  # a latent times this has about unit variance

    @property
    def factor(self) -> int:
        """Pixels of the picture to a side of one latent pixel (8)."""
        return int(2 ** (len(self.channels) - 1))


@dataclass(frozen=True)
class Posterior:
    """q(z | picture): a normal distribution for every latent value, both tensors [B, 4, H/8, W/8], unscaled."""

    mean: Tensor
    log_variance: Tensor

    @property
    def std(self) -> Tensor:
        """Standard deviation."""
        return (0.5 * self.log_variance).exp()

    def sample(self, noise: Tensor) -> Tensor:
        """Mean plus std times the given standard normal noise."""
        return self.mean + self.std * noise

    def kl(self) -> Tensor:
        """KL divergence to the standard normal, per value (Kingma and Welling, appendix B)."""
        return 0.5 * (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance)


class PixelAttention(Attention):
    """Single-head self-attention over the pixels of a feature map, with its own normalisation and skip."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__(channels, heads=1, bias=True)
        self.norm = GroupNorm(groups, channels, EPS)

    def forward(self, x: Tensor, context: Tensor | None = None, seen: Tensor | None = None) -> Tensor:
        """[B, C, H, W] → [B, C, H, W]."""
        pixels = self.norm(x).flatten(2).transpose(1, 2)  # [B, P, C]
        return x + super().forward(pixels).transpose(1, 2).reshape(x.shape)


class Middle(nn.Module):
    """The smallest feature map: residual, attention, residual."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.resnets = nn.ModuleList([_resnet(channels, channels, groups) for _ in range(2)])
        self.attention = PixelAttention(channels, groups)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] → [B, C, H, W]."""
        return self.resnets[1](self.attention(self.resnets[0](x)))


class Level(nn.Module):
    """Residual blocks at one size, then the step to the next size."""

    def __init__(self, before: int, width: int, layers: int, groups: int) -> None:
        super().__init__()
        self.downsample: Downsample | None = None  # not on the class, where None would hide the module from `self.`
        self.upsample: Upsample | None = None
        widths = [before] + [width] * layers
        self.resnets = nn.ModuleList([_resnet(before, after, groups) for before, after in pairwise(widths)])

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] → [B, C', H', W']."""
        for resnet in self.resnets:
            x = resnet(x)
        step = self.downsample or self.upsample
        return x if step is None else step(x)


class Encoder(nn.Module):
    """Picture to the posterior's mean and log variance. [B, 3, H, W] → [B, 8, H/8, W/8]."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        channels = config.channels
        self.conv_in = nn.Conv2d(config.in_channels, channels[0], 3, padding=1)
        self.down = nn.ModuleList()
        for index, width in enumerate(channels):
            level = Level(channels[max(index - 1, 0)], width, config.layers, config.groups)
            if index < len(channels) - 1:
                level.downsample = Downsample(width, symmetric=False)
            self.down.append(level)
        self.middle = Middle(channels[-1], config.groups)
        self.norm_out = GroupNorm(config.groups, channels[-1], EPS)
        self.conv_out = nn.Conv2d(channels[-1], 2 * config.latent_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, 3, H, W] → [B, 8, H/8, W/8]."""
        x = self.conv_in(x)
        for level in self.down:
            x = level(x)
        return self.conv_out(F.silu(self.norm_out(self.middle(x))))


class Decoder(nn.Module):
    """Latent to picture. [B, 4, H/8, W/8] → [B, 3, H, W]."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        channels = config.channels[::-1]  # deepest first
        self.conv_in = nn.Conv2d(config.latent_channels, channels[0], 3, padding=1)
        self.middle = Middle(channels[0], config.groups)
        self.up = nn.ModuleList()
        for index, width in enumerate(channels):
            level = Level(channels[max(index - 1, 0)], width, config.layers + 1, config.groups)
            if index < len(channels) - 1:
                level.upsample = Upsample(width)
            self.up.append(level)
        self.norm_out = GroupNorm(config.groups, channels[-1], EPS)
        self.conv_out = nn.Conv2d(channels[-1], config.in_channels, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        """[B, 4, H/8, W/8] → [B, 3, H, W]."""
        z = self.middle(self.conv_in(z))
        for level in self.up:
            z = level(z)
        return self.conv_out(F.silu(self.norm_out(z)))


class VAE(nn.Module):
    """Encoder, decoder and the two 1×1 convolutions at the latent's door. Latents here are unscaled."""

    def __init__(self, config: VAEConfig = VAEConfig()) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.quant_conv = nn.Conv2d(2 * config.latent_channels, 2 * config.latent_channels, 1)
        self.post_quant_conv = nn.Conv2d(config.latent_channels, config.latent_channels, 1)

    def encode(self, image: Tensor) -> Posterior:
        """Picture [B, 3, H, W] in −1…1 → posterior over latents [B, 4, H/8, W/8]; H and W multiples of 8."""
        mean, log_variance = self.quant_conv(self.encoder(image)).chunk(2, dim=1)
        return Posterior(mean, torch.clamp(log_variance, -30.0, 20.0))

    def decode(self, latent: Tensor) -> Tensor:
        """Latent [B, 4, H/8, W/8] → picture [B, 3, H, W], about −1…1 but not clipped."""
        return self.decoder(self.post_quant_conv(latent))


def _resnet(before: int, after: int, groups: int) -> ResNet:
    return ResNet(before, after, time_width=None, groups=groups, eps=EPS)
