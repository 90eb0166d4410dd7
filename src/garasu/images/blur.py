"""The Gaussian blur, as A1111 cuts it off."""

from math import exp

import torch
from torch import Tensor


def reach(sigma: float) -> int:
    """How many pixels far a Gaussian of `sigma` pixels is taken to: it is 2·int(2.5σ + 0.5) + 1 wide."""
    return int(2.5 * sigma + 0.5)


def gaussian(values: Tensor, sigma: float) -> Tensor:
    """Blur [B, C, H, W] by `sigma` ≥ 0 pixels; at its border the picture goes on mirrored."""
    far = reach(sigma)
    if far == 0:
        return values
    bell = [exp(-(at**2) / (2 * sigma**2)) for at in range(-far, far + 1)]
    weights = [weight / sum(bell) for weight in bell]
    return _weighted(_weighted(values, weights, axis=3), weights, axis=2)


def _weighted(values: Tensor, weights: list[float], axis: int) -> Tensor:
    """The weighted sum of each pixel and its neighbours along one axis."""
    length = values.shape[axis]
    wide = values.index_select(axis, _mirrored(length, len(weights) // 2).to(values.device))
    total = torch.zeros_like(values)
    for at, weight in enumerate(weights):  # many times faster on a CPU than conv2d with a kernel this thin
        total.add_(wide.narrow(axis, at, length), alpha=weight)
    return total


def _mirrored(length: int, far: int) -> Tensor:
    """Indices of -far..length + far on a line that goes on mirrored at its first and last element."""
    period = max(1, 2 * (length - 1))
    at = torch.arange(-far, length + far) % period
    return torch.minimum(at, period - at).clamp(max=length - 1)
