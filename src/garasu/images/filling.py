"""Masked content "fill": the hole closed with the colours around it, for a model to paint on."""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from garasu.images.blur import gaussian
from garasu.images.compositing import checked, levels, recoloured

_SOFTNESS = 1.5  # σ of each layer's blur, in cells of its grid
_COVER = 16  # lower, and a hole's middle turns gray; higher, and colours run into it in streaks
_STRICTNESS = 4  # power of 1 - mask: what is half masked, perhaps what should vanish, counts as a sixteenth
_NOTHING_KNOWN = 127.5  # level of the hole in a picture that is all hole
_TINY = 1e-12


def fill(picture: Image.Image, mask: Tensor) -> Image.Image:
    """The picture with the masked part replaced by blurs of the rest: broad ones deep inside, fine ones at its border.

    Layers are painted over each other from the coarsest to the finest. The layer of blur b shows a mean
    of the unmasked pixels alone, b(colour · keep) / b(keep) with keep = (1 - mask)⁴: nothing of what was
    in the hole (little, where its mask is soft) and no darkness from beyond the picture bleeds in. The
    layer covers by 16 · b(keep), at most 1: fully as far into the hole as a sixteenth of what the blur
    sees is unmasked, then less and less.

    Where the mask is 0 the result is the picture, to the bit; where it is between, a mixture. What has
    no surroundings becomes gray. Same modes and errors as `garasu.images.compositing.composite`.
    """
    base = checked(picture, picture, mask)
    old = torch.from_numpy(levels(base)).permute(2, 0, 1)[None].float()  # [1, 3, H, W]
    share = mask.to(old)
    keep = (1 - share) ** _STRICTNESS
    mixed = old + share * (_closed(old * keep, keep) - old)
    return recoloured(base, np.asarray(mixed[0].permute(1, 2, 0), dtype=np.float64), mask)


def _closed(known: Tensor, keep: Tensor) -> Tensor:
    """Colours everywhere, [1, 3, H, W], from those that are known (multiplied by keep [1, 1, H, W])."""
    height, width = keep.shape[2:]
    closed = _mean(known, keep)  # [1, 3, 1, 1]
    for halvings in range((max(height, width) - 1).bit_length(), -1, -1):
        grid = [-(-height >> halvings), -(-width >> halvings)]  # rounded up
        share = gaussian(F.interpolate(keep, grid, mode="area"), _SOFTNESS)
        colour = gaussian(F.interpolate(known, grid, mode="area"), _SOFTNESS) / share.clamp(min=_TINY)
        closed = F.interpolate(closed, grid, mode="bilinear")
        closed = closed + (_COVER * share).clamp(max=1) * (colour - closed)
    return closed


def _mean(known: Tensor, keep: Tensor) -> Tensor:
    total = keep.sum()
    if total < _TINY:
        return torch.full_like(known[..., :1, :1], _NOTHING_KNOWN)
    return known.sum(dim=(2, 3), keepdim=True) / total
