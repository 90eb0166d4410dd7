"""Between PIL pictures and the tensors that networks see: RGB, float32, -1 (black) to 1 (white)."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

Rounding = Literal["nearest", "down"]


def to_tensor(pictures: Image.Image | Sequence[Image.Image]) -> Tensor:
    """One picture, or several of one size, as a tensor [B, 3, H, W] in -1..1."""
    several = [pictures] if isinstance(pictures, Image.Image) else list(pictures)
    sizes = sorted({picture.size for picture in several})
    if len(sizes) != 1:
        raise ValueError(f"pictures of one batch must have one size, these have {sizes}: resize them first")
    pixels = np.stack([np.asarray(picture.convert("RGB")) for picture in several])  # [B, H, W, 3]
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).to(torch.float32) / 127.5 - 1.0


def to_pictures(images: Tensor, rounding: Rounding = "nearest") -> list[Image.Image]:
    """A tensor [B, 3, H, W] in -1..1 as B pictures.

    Values outside are clamped. Levels are rounded to the "nearest", as diffusers does, or "down", as CompVis and A1111
    do by cutting the fraction off, which makes about half of all values one level darker.
    """
    unit = (images.detach().to(torch.float32) / 2 + 0.5).clamp(0, 1)
    levels = unit * 255  # [B, 3, H, W]
    whole = (levels.round() if rounding == "nearest" else levels.floor()).to(torch.uint8)
    return [Image.fromarray(row) for row in whole.permute(0, 2, 3, 1).cpu().numpy()]
