"""CLIP's text tower: 77 tokens to 77 vectors, the conditioning of Stable Diffusion.

Radford et al. 2021, §2.4. A causal transformer: each token sees itself and those before it, so the vector at the
end-of-text token has seen the whole prompt.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from garasu.networks.clip_layers import Activation, CLIPLayer


@dataclass(frozen=True)
class CLIPTextConfig:
    """All numbers of a text encoder; the defaults are CLIP ViT-L/14, as in Stable Diffusion 1.5."""

    vocab_size: int = 49408
    width: int = 768
    layers: int = 12
    heads: int = 12
    mlp_width: int = 3072
    max_length: int = 77
    activation: Activation = "quick_gelu"
    projection_width: int | None = None  # the shared space with pictures; Stable Diffusion has no need of it


class CLIPText(nn.Module):
    """Token ids to hidden states."""

    def __init__(self, config: CLIPTextConfig = CLIPTextConfig()) -> None:
        super().__init__()
        self.config = config
        c = config
        self.token_embedding = nn.Embedding(c.vocab_size, c.width)
        self.position_embedding = nn.Embedding(c.max_length, c.width)
        self.layers = nn.ModuleList(
            [CLIPLayer(c.width, c.heads, c.mlp_width, c.activation, causal=True) for _ in range(c.layers)]
        )
        self.final_norm = nn.LayerNorm(c.width)
        self.projection = nn.Linear(c.width, c.projection_width, bias=False) if c.projection_width else None

    def forward(self, ids: Tensor, skip: int = 0, norm: bool = True, seen: Tensor | None = None) -> Tensor:
        """Hidden states, after the final normalisation unless told otherwise.

        Args:
            ids: token ids [B, T], T at most 77.
            skip: how many of the last layers to leave out (clip skip N is ``skip`` N−1).
            norm: whether the final normalisation follows the last layer that is not left out.
            seen: [B, T], False at tokens that no other attends to; the first one must be seen.

        Returns:
            [B, T, D].
        """
        positions = torch.arange(ids.shape[1], device=ids.device)
        x = self.token_embedding(ids) + self.position_embedding(positions)  # [B, T, D]
        for layer in self.layers[: len(self.layers) - skip]:
            x = layer(x, seen)
        return self.final_norm(x) if norm else x

    def pooled(self, hidden: Tensor, ids: Tensor, eos_id: int) -> Tensor:
        """The hidden state at the first end-of-text token. [B, T, D], ids [B, T] → [B, D]."""
        first = (ids == eos_id).int().argmax(dim=1)  # [B]
        return hidden[torch.arange(len(ids), device=ids.device), first]

    def project(self, pooled: Tensor) -> Tensor:
        """Into the space shared with pictures. [B, D] → [B, E].

        Raises:
            ValueError: this text encoder carries no projection.
        """
        if self.projection is None:
            raise ValueError("This text encoder has no text_projection; load a CLIP model that has one.")
        return self.projection(pooled)
