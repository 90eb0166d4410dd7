"""DDIM: keep the noise's direction and shrink it; deterministic at eta 0."""

from itertools import pairwise
from math import sqrt

from torch import Tensor

from garasu.diffusion.samplers.protocol import Draw, Questions


def ddim(sigmas: Tensor, x: Tensor, noise: Draw, *, eta: float = 0.0) -> Questions:
    """x' = x0 + √(σ'² − s²)·ε + s·z with s = eta·σ'·√(1 − (σ'/σ)²): eta replaces old noise by fresh noise.

    Song, Meng and Ermon, "Denoising Diffusion Implicit Models" (arXiv:2010.02502), eq. 12 and 16, divided by √ᾱ'.
    ``eta`` 0 draws no noise; 1 is DDPM.
    """
    for sigma, next_sigma in pairwise(sigmas.tolist()):
        x, x0 = yield x, sigma
        eps = (x - x0) / sigma
        std = eta * next_sigma * sqrt(1 - (next_sigma / sigma) ** 2)
        x = x0 + sqrt(next_sigma**2 - std**2) * eps
        if std > 0:
            x = x + std * noise()
    return x
