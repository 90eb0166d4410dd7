"""Pictures as CLIP's vision tower takes them, the same numbers as transformers' `CLIPImageProcessor` gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)

Channels = tuple[float, float, float]


@dataclass(frozen=True)
class FeatureExtractor:
    """The shorter side scaled to `size` pixels, the middle cut out, and each channel (0…1) normalised."""

    size: int = 224
    crop: int = 224
    mean: Channels = OPENAI_MEAN
    std: Channels = OPENAI_STD
    resample: Image.Resampling = Image.Resampling.BICUBIC

    def __call__(self, pictures: Sequence[Image.Image]) -> Tensor:
        """Pictures of any size → [B, 3, crop, crop], float32."""
        pixels = np.stack([np.asarray(self.cropped(picture)) for picture in pictures])  # [B, S, S, 3]
        unit = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
        mean, std = (torch.tensor(one)[:, None, None] for one in (self.mean, self.std))
        return (unit - mean) / std

    def cropped(self, picture: Image.Image) -> Image.Image:
        """The picture, scaled and cut to crop × crop; black around what is smaller than that."""
        shorter = min(picture.size)
        width, height = (self.size if side == shorter else int(self.size * side / shorter) for side in picture.size)
        scaled = picture.convert("RGB").resize((width, height), self.resample)
        left, top = (width - self.crop) // 2, (height - self.crop) // 2
        return scaled.crop((left, top, left + self.crop, top + self.crop))
