"""DDPM: walk the noising process backwards, one random step at a time."""

from itertools import pairwise
from math import sqrt

from torch import Tensor

from garasu.diffusion.samplers.protocol import Draw, Questions


def ddpm(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """Draw from q(x' | x, x0), the posterior of the noising process, with x0 as the denoiser believes it.

    Ho, Jain and Abbeel, "Denoising Diffusion Probabilistic Models" (arXiv:2006.11239), eq. 6 and 7. In σ-space the
    posterior has mean x0 + (σ'/σ)²·(x − x0) and variance σ'²·(1 − (σ'/σ)²): the paper's β̃, diffusers' "fixed_small".
    """
    for sigma, next_sigma in pairwise(sigmas.tolist()):
        x, x0 = yield x, sigma
        kept = (next_sigma / sigma) ** 2
        x = x0 + kept * (x - x0)
        std = next_sigma * sqrt(1 - kept)
        if std > 0:
            x = x + std * noise()
    return x
