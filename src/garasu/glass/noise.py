"""What is left of the noise at each step, against what the schedule says.

The schedule says of a clean latent z: x = z + σ·n, with standard normal n. Of the run's own finished latent that is
known in every respect, so that the x of the run can be held against it: by its power at each frequency, and by how its
values are distributed. The run goes the other way, and does not know its end when it begins.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from garasu.glass.picture_walk import PictureWalk
from garasu.glass.spectrum import Rings, fft, power

DRAWS = 400
SURE = 0.99


@dataclass(frozen=True)
class NoiseReport:
    """Of every step, in the scale of x/√(1 + σ²), averaged over the channels; S steps, R frequencies.

    ``measured`` [S, R]: the power of x; ``expected`` [S, R]: of the finished latent with noise of level σ;
    ``spread`` [S, R]: how much the latter varies from noise to noise, as a standard deviation.
    ``frequency`` [R]: in cycles a cell, the first is 0, the mean. ``limit``: in 99 of 100 noisings of the finished
    latent no power, at any step and frequency, is so many standard deviations from what is expected; of 400 drawn.
    """

    sigma: tuple[float, ...]
    t: tuple[float, ...]
    frequency: Tensor
    measured: Tensor
    expected: Tensor
    spread: Tensor
    limit: float

    @property
    def times(self) -> Tensor:
        """Measured over expected [S, R]."""
        return self.measured / self.expected

    @property
    def surprising(self) -> Tensor:
        """Where the run is not what the schedule says [S, R]: beyond the limit."""
        return (self.measured - self.expected).abs() > self.limit * self.spread

    def departing(self) -> list[int]:
        """The steps at which any frequency is surprising."""
        return [step for step, row in enumerate(self.surprising) if bool(row.any())]


def measure_noise(walk: PictureWalk) -> NoiseReport:
    """The spectrum of x at every step of a walk, and the one that noising its finished latent would have."""
    finished = walk.finished[0]
    rings = Rings(*finished.shape[-2:])
    sigma = torch.tensor(walk.sigma, dtype=torch.float64)[:, None]
    clean = rings.mean(power(finished)).mean(0)  # [R], over channels
    scale = 1 + sigma**2
    # |z + σn|² of a coefficient, n complex normal: mean |z|² + σ², variance σ⁴ + 2σ²|z|². Coefficients come in pairs
    # of the same power (those that have no partner have twice the variance), hence the 2.
    variance = 2 * (sigma**4 + 2 * sigma**2 * clean) / (rings.count * len(finished))
    measured = torch.stack([rings.mean(power(walk.scaled(step)[0])).mean(0) for step in range(len(walk))])
    return NoiseReport(
        sigma=walk.sigma,
        t=walk.t,
        frequency=rings.frequency,
        measured=measured,
        expected=(clean + sigma**2) / scale,
        spread=variance.sqrt() / scale,
        limit=_limit(finished, rings, sigma, variance.sqrt()),
    )


def _limit(finished: Tensor, rings: Rings, sigma: Tensor, spread: Tensor) -> float:
    """How far noisings go, by drawing some: |z + σn|² = |z|² + 2σ Re(z n*) + σ²|n|² takes one transform for all σ."""
    generator, clean = torch.Generator().manual_seed(0), fft(finished)
    most = []
    for _ in range(DRAWS):
        drawn = fft(torch.randn(finished.shape, generator=generator))
        cross = rings.mean((clean * drawn.conj()).real).mean(0)
        white = rings.mean(drawn.abs().square()).mean(0) - 1
        most.append(((2 * sigma * cross + sigma**2 * white) / spread).abs().max())
    return float(torch.stack(most).quantile(SURE))


def expected_density(walk: PictureWalk, step: int, at: Tensor) -> Tensor:
    """How dense the values of the noised finished latent lie at each of ``at`` [N], in the scale of x/√(1 + σ²): [N].

    A normal density of σ around each value of the finished latent.
    """
    sigma = max(walk.sigma[step], 1e-6)
    scale = (1 + sigma**2) ** 0.5
    away = (at.double()[:, None] * scale - walk.finished.double().flatten()) / sigma  # [N, values]
    return (-away.square() / 2).exp().mean(1) * scale / sigma / (2 * torch.pi) ** 0.5
