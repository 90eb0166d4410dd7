"""The error between two pictures as a trained network sees it, after Zhang et al. 2018 (LPIPS)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from garasu.networks.clip_vision import CLIPVision, square


class Perceptual(nn.Module):
    """Squared differences of the states behind every layer of a frozen vision tower, each state normalised.

    LPIPS takes a network trained on photographs; here it is the tower that was trained beside the model, which knows
    eyes, stripes and collars because captions name them.
    """

    def __init__(self, vision: CLIPVision, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight
        self.vision = vision.eval().requires_grad_(False)

    def forward(self, decoded: Tensor, images: Tensor) -> Tensor:
        """Two batches of whole pictures [B, 3, H, W] → a scalar, 0 if they are the same."""
        side = self.vision.config.image_size
        a, b = (self.vision.embed(square(one, side)) for one in (decoded, images))
        errors = []
        for layer in self.vision.layers:
            a, b = layer(a), layer(b)
            errors.append(F.mse_loss(F.layer_norm(a, a.shape[-1:]), F.layer_norm(b, b.shape[-1:])))
        return self.weight * sum(errors[1:], errors[0]) / len(errors)
