"""Euler ancestral: step below the next level, then add fresh noise back up to it."""

from itertools import pairwise
from math import sqrt

from torch import Tensor

from garasu.diffusion.samplers.protocol import Draw, Questions


def euler_a(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """Euler from σ down to σ_down, then noise of σ_up, so that σ_down² + σ_up² = σ'².

    Katherine Crowson's k-diffusion, after Song et al., "Score-Based Generative Modeling through Stochastic
    Differential Equations" (arXiv:2011.13456), appendix F (ancestral sampling): σ_up = σ'·√(1 − (σ'/σ)²),
    σ_down = σ'²/σ. The same step as DDPM.
    """
    for sigma, next_sigma in pairwise(sigmas.tolist()):
        x, x0 = yield x, sigma
        down = next_sigma**2 / sigma
        up = next_sigma * sqrt(1 - (next_sigma / sigma) ** 2)
        x = x + (down - sigma) * (x - x0) / sigma
        if up > 0:
            x = x + up * noise()
    return x
