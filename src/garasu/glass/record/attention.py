"""Attention weights from queries and keys, and the places in the picture that they belong to."""

from __future__ import annotations

import torch
from torch import Tensor

from garasu.glass.record.errors import RecordError


def head_weights(q: Tensor, k: Tensor, heads: int, head: int) -> Tensor:
    """softmax(Q Kᵀ / √d) of one head, in float32: q [R, P, D], k [R, T, D] → [R, P, T]."""
    width = q.shape[-1] // heads
    some = slice(head * width, (head + 1) * width)
    scores = q[..., some].float() @ k[..., some].float().transpose(1, 2) * width**-0.5
    return scores.softmax(-1)


def mean_weights(q: Tensor, k: Tensor, heads: int) -> Tensor:
    """The mean over heads, one head at a time: all at once may not fit. → [R, P, T]."""
    mean = head_weights(q, k, heads, 0)
    for head in range(1, heads):
        mean += head_weights(q, k, heads, head)
    return mean.div_(heads)


def every_head(q: Tensor, k: Tensor, heads: int) -> Tensor:
    """Each head for itself: → [R, N, P, T]."""
    return torch.stack([head_weights(q, k, heads, head) for head in range(heads)], dim=1)


def map_size(pixels: int, grid: tuple[int, int]) -> tuple[int, int]:
    """Height and width of a feature map with so many pixels, of a U-Net that halves ``grid`` at each level.

    Raises:
        RecordError: no level has so many.
    """
    height, width = grid
    while height * width > pixels and (height, width) != (1, 1):
        height, width = -(-height // 2), -(-width // 2)
    if height * width != pixels:
        raise RecordError(f"no level of the U-Net over a latent of {grid[0]}x{grid[1]} has {pixels} pixels")
    return height, width
