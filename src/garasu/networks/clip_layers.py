"""The transformer layer that CLIP's two towers share (Radford et al. 2021, §2.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from garasu.networks.attention import Attention

Activation = Literal["quick_gelu", "gelu"]


def quick_gelu(x: Tensor) -> Tensor:
    """x·sigmoid(1.702 x): the approximation of GELU that OpenAI's CLIP was trained with."""
    return x * torch.sigmoid(1.702 * x)


ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {"quick_gelu": quick_gelu, "gelu": F.gelu}


class MLP(nn.Module):
    """Two linear layers with an activation between. [B, T, D] → [B, T, D]."""

    def __init__(self, width: int, hidden: int, activation: Activation) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[activation]
        self.proj_in = nn.Linear(width, hidden)
        self.proj_out = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, D] → [B, T, D]."""
        return self.proj_out(self.activation(self.proj_in(x)))


class CLIPLayer(nn.Module):
    """Attention and MLP, each with its normalisation before it and a skip around it. [B, T, D] → [B, T, D]."""

    def __init__(self, width: int, heads: int, mlp_width: int, activation: Activation, *, causal: bool) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.self_attention = Attention(width, heads, bias=True, causal=causal)
        self.norm2 = nn.LayerNorm(width)
        self.feed_forward = MLP(width, mlp_width, activation)

    def forward(self, x: Tensor, seen: Tensor | None = None) -> Tensor:
        """[B, T, D] → [B, T, D]; ``seen`` [B, T] is False at places that no other looks at."""
        x = x + self.self_attention(self.norm1(x), seen=seen)
        return x + self.feed_forward(self.norm2(x))
