"""U-Nets that need more than x, t and words, with the rest given: to be called as any other."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Told(nn.Module):
    """A distilled U-Net with its guidance scale given, one for all rows or one for each, to be called as any other."""

    def __init__(self, unet: nn.Module, guidance_scale: float | Tensor) -> None:
        super().__init__()
        self.unet = unet
        self.guidance_scale = guidance_scale

    def forward(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        """x [B, C, h, w] → ε or v [B, 4, h, w]."""
        scale = torch.as_tensor(self.guidance_scale).to(t).reshape(-1)
        answer: Tensor = self.unet(x, t, context, scale.repeat(len(x) // len(scale)))
        return answer


class Inpainting(nn.Module):
    """A 9-channel U-Net with its picture given, to be called as one of 4 channels.

    `picture` [1, 5, h, w] is the mask (1 where to paint) and the latent of the picture with the masked
    part gray. It is not noisy, so it enters beside x after x was scaled.
    """

    def __init__(self, unet: nn.Module, picture: Tensor) -> None:
        super().__init__()
        self.unet = unet
        self.picture = picture

    def forward(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        """x [B, 4, h, w] → ε or v [B, 4, h, w]."""
        picture = self.picture.to(x).expand(len(x), -1, -1, -1)
        answer: Tensor = self.unet(torch.cat([x, picture], dim=1), t, context)  # [B, 9, h, w] in
        return answer
