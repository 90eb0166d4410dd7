"""The blocks that the U-Net and the VAE are built of: residual blocks, up- and downsampling, transformers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from garasu.networks.attention import Attention


def timestep_embedding(t: Tensor, width: int) -> Tensor:
    """Sinusoids of the timestep, cosines first (Ho et al. 2020 after Vaswani et al. 2017, §3.5).

    t [B] → [B, width], float32; frequencies run from 1 down to 1/10000.
    """
    half = width // 2
    # In the reference's order of operations: at t = 999 one rounding of a frequency would turn its angle by 6e-5.
    frequencies = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32, device=t.device) / half)
    angles = t.float()[:, None] * frequencies[None]  # [B, width/2]
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


def guidance_embedding(scale: Tensor, width: int) -> Tensor:
    """Sinusoids of the guidance scale, sines first, as LCM was distilled with them (Luo et al., arXiv:2310.04378).

    scale [B] → [B, width], float32; of 1000·(scale − 1), since 1 is no guidance.
    """
    half = width // 2
    steps = torch.arange(half, dtype=torch.float32, device=scale.device)
    frequencies = torch.exp(steps * -(math.log(10000) / (half - 1)))
    angles = 1000 * (scale.float()[:, None] - 1) * frequencies[None]  # [B, width/2]
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class TimeEmbedding(nn.Module):
    """The timestep as the residual blocks receive it: sinusoids through two linear layers. t [B] → [B, E].

    A distilled network learned what guidance does, so it is told the scale here too.
    """

    def __init__(self, width: int, embedding_width: int, guidance_width: int | None = None) -> None:
        super().__init__()
        self.width = width
        self.guidance_proj = nn.Linear(guidance_width, width, bias=False) if guidance_width else None
        self.linear_1 = nn.Linear(width, embedding_width)
        self.linear_2 = nn.Linear(embedding_width, embedding_width)

    def forward(self, t: Tensor, guidance: Tensor | None = None) -> Tensor:
        """t [B], and a distilled network's guidance scale [B] → [B, E]."""
        sinusoids = timestep_embedding(t, self.width).to(self.linear_1.weight.dtype)
        if self.guidance_proj is not None and guidance is not None:
            told = guidance_embedding(guidance, self.guidance_proj.in_features)
            sinusoids = sinusoids + self.guidance_proj(told.to(sinusoids))
        return self.linear_2(F.silu(self.linear_1(sinusoids)))


class GroupNorm(nn.GroupNorm):
    """torch's, going round its channels_last kernel on CPUs, which takes 10 to 30 times as long in bfloat16."""

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, H, W] → [B, C, H, W], in the memory format of the input."""
        if input.device.type == "cpu" and not input.is_contiguous() and input.dtype == torch.bfloat16:
            return super().forward(input.contiguous()).contiguous(memory_format=torch.channels_last)
        return super().forward(input)


class ResNet(nn.Module):
    """A residual block: two convolutions, the timestep added between them when there is one.

    Shape: [B, C, H, W] (and time [B, E]) → [B, out, H, W].
    """

    def __init__(self, channels: int, out: int, *, time_width: int | None, groups: int, eps: float) -> None:
        super().__init__()
        self.norm1 = GroupNorm(groups, channels, eps)
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1)
        self.time_proj = nn.Linear(time_width, out) if time_width else None
        self.norm2 = GroupNorm(groups, out, eps)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        self.shortcut = nn.Conv2d(channels, out, 1) if channels != out else None

    def forward(self, x: Tensor, time: Tensor | None = None) -> Tensor:
        """x [B, C, H, W], time [B, E] → [B, out, H, W]."""
        h = self.conv1(F.silu(self.norm1(x)))
        if self.time_proj is not None and time is not None:
            h = h + self.time_proj(F.silu(time))[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return (x if self.shortcut is None else self.shortcut(x)) + h


class Downsample(nn.Module):
    """Half the size by a strided convolution; the VAE pads right and below only, the U-Net all around."""

    def __init__(self, channels: int, *, symmetric: bool = True) -> None:
        super().__init__()
        self.symmetric = symmetric
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=1 if symmetric else 0)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] → [B, C, ⌈H/2⌉, ⌈W/2⌉]."""
        return self.conv(x if self.symmetric else F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    """Twice the size (or exactly ``size``) by nearest neighbours, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, size: Sequence[int] | None = None) -> Tensor:
        """[B, C, H, W] → [B, C, 2H, 2W], or [B, C, *size] where the way down met an odd size."""
        height, width = size or (2 * x.shape[-2], 2 * x.shape[-1])
        return self.conv(F.interpolate(x, size=(height, width), mode="nearest"))


class FeedForward(nn.Module):
    """GEGLU (Shazeer 2020): one half of the hidden layer gates the other. [B, P, D] → [B, P, D]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj_in = nn.Linear(width, 8 * width)
        self.proj_out = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, P, D] → [B, P, D]."""
        value, gate = self.proj_in(x).chunk(2, dim=-1)
        return self.proj_out(value * F.gelu(gate))


class TransformerBlock(nn.Module):
    """Where words meet the picture: attention among pixels, attention from pixels to words, a feed-forward."""

    def __init__(self, width: int, heads: int, context_width: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.self_attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.cross_attention = Attention(width, heads, context_width)
        self.norm3 = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """x [B, P, D], context [B, T, C] → [B, P, D]."""
        x = x + self.self_attention(self.norm1(x))
        x = x + self.cross_attention(self.norm2(x), context)
        return x + self.feed_forward(self.norm3(x))


class Transformer(nn.Module):
    """Transformer blocks over the pixels of a feature map. [B, C, H, W] → [B, C, H, W].

    SD 1.x stores ``proj_in`` and ``proj_out`` as 1×1 convolutions, SD 2.x as linear layers. They are the same
    arithmetic, so here they are linear always, and only the checkpoint's files know the difference.
    """

    def __init__(self, channels: int, heads: int, context_width: int, groups: int) -> None:
        super().__init__()
        self.norm = GroupNorm(groups, channels, eps=1e-6)
        self.proj_in = nn.Linear(channels, channels)
        self.blocks = nn.ModuleList([TransformerBlock(channels, heads, context_width)])
        self.proj_out = nn.Linear(channels, channels)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """x [B, C, H, W], context [B, T, D] → [B, C, H, W]."""
        h = self.norm(x).flatten(2).transpose(1, 2)  # [B, P, C]
        h = self.proj_in(h)
        for block in self.blocks:
            h = block(h, context)
        h = self.proj_out(h).transpose(1, 2).reshape(x.shape)  # [B, C, H, W]
        return x + h
