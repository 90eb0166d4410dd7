"""Pictures as vectors: the projected embeddings of CLIP's vision tower at length 1.

Training compares embeddings by their angle alone (Radford et al. 2021, §2.3), so an embedding's length is whatever
training left there.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from garasu.networks.clip_vision import CLIPVision, square


@torch.no_grad()
def embeddings(tower: CLIPVision, batches: Iterable[Tensor]) -> Tensor:
    """Pictures [B, 3, H, W] in -1..1, batch after batch, as vectors [N, E] of length 1, in float64 on the CPU."""
    side, weight = tower.config.image_size, tower.class_embedding
    seen = [tower(square(images, side).to(weight.device, weight.dtype)).double().cpu() for images in batches]
    return F.normalize(torch.cat(seen), dim=-1)
