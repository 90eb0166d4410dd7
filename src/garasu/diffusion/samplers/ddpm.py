"""DDPM: walk the noising process backwards, one random step at a time."""

from itertools import pairwise
from math import sqrt

from torch import Tensor

from garasu.diffusion.samplers.protocol import Draw, Questions


def ddpm(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """Draw from q(x' | x, x0), the posterior of the noising process, with x0 as the denoiser believes it.

    Ho, Jain and Abbeel, "Denoising Diffusion Probabilistic Models" (arXiv:2006.11239), eq. 6 and 7: the paper's β̃,
    diffusers' "fixed_small".
    """
    for sigma, next_sigma in pairwise(sigmas.tolist()):
        x, x0 = yield x, sigma
        x, std = posterior(x, x0, sigma, next_sigma)
        if std > 0:
            x = x + std * noise()
    return x


def posterior(x: Tensor, x0: Tensor, sigma: float, next_sigma: float) -> tuple[Tensor, float]:
    """Mean and standard deviation of q(x' | x, x0): x0 + (σ'/σ)²·(x − x0) and σ'·√(1 − (σ'/σ)²)."""
    kept = (next_sigma / sigma) ** 2
    return x0 + kept * (x - x0), next_sigma * sqrt(1 - kept)
