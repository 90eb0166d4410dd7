"""Power by frequency: how much of a picture or a latent is coarse, and how much is fine."""

from __future__ import annotations

import torch
from torch import Tensor


class Rings:
    """The frequencies of an h×w grid, gathered in rings of equal width around 0.

    ``frequency`` [R]: the middle of each ring that has any, in cycles a cell; the first is 0 alone, and 0.5 is the
    finest that goes along an axis. ``count`` [R]: how many Fourier coefficients lie in each.
    """

    def __init__(self, height: int, width: int) -> None:
        vertical, horizontal = torch.fft.fftfreq(height), torch.fft.fftfreq(width)
        radius = torch.hypot(vertical[:, None], horizontal[None, :]) * min(height, width)
        _, self._ring = radius.round().long().unique(return_inverse=True)  # [h, w]
        self.count = torch.bincount(self._ring.flatten())
        self.frequency = self.mean(radius) / min(height, width)

    def mean(self, values: Tensor) -> Tensor:
        """The means over each ring of values [..., h, w]: [..., R], float64."""
        flat = values.double().flatten(-2)
        sums = torch.zeros(*flat.shape[:-1], len(self.count), dtype=torch.float64)
        return sums.index_add_(-1, self._ring.flatten(), flat) / self.count


def fft(values: Tensor) -> Tensor:
    """The Fourier coefficients of values [..., h, w], complex128; of white noise they have its variance."""
    return torch.fft.fft2(values.double(), norm="ortho")


def power(values: Tensor) -> Tensor:
    """The power of each Fourier coefficient of values [..., h, w], float64; of white noise its variance everywhere."""
    return fft(values).abs().square()
