"""Gaussian data N(mu, s²), for which the perfect denoiser and the probability-flow ODE have closed forms."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Gaussian:
    """Independent pixels of mean ``mu`` and standard deviation ``s``."""

    mu: float = 0.0
    s: float = 1.0

    def denoise(self, x: Tensor, sigma: Tensor) -> Tensor:
        """E[x0 | x] for x = x0 + σ·noise; x / (1 + σ²) for N(0, 1)."""
        return (self.s**2 * x + sigma**2 * self.mu) / (self.s**2 + sigma**2)

    def flow(self, x: Tensor, sigma: float, to: float) -> Tensor:
        """Where dx/dσ = (x − x0)/σ carries x from level ``sigma`` to level ``to``: deviations keep their rank."""
        return self.mu + (x - self.mu) * ((self.s**2 + to**2) / (self.s**2 + sigma**2)) ** 0.5

    def noisy(self, count: int, sigma: float, seed: int) -> Tensor:
        """Samples of x at level ``sigma``, float64 [1, 1, 1, count]."""
        generator = torch.Generator().manual_seed(seed)
        deviation = (self.s**2 + sigma**2) ** 0.5
        return self.mu + deviation * torch.randn(1, 1, 1, count, generator=generator, dtype=torch.float64)


def finish(questions, denoise) -> Tensor:
    """Run a sampler to its end with ``denoise``: its returned x."""
    x, sigma = next(questions)
    while True:
        try:
            x, sigma = questions.send((x, denoise(x, torch.tensor(sigma, dtype=torch.float64))))
        except StopIteration as end:
            return end.value
