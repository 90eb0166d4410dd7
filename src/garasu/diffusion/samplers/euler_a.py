"""Euler ancestral: step below the next level, then add fresh noise back up to it."""

from itertools import pairwise

from torch import Tensor

from garasu.diffusion.samplers.ancestral import ancestral
from garasu.diffusion.samplers.protocol import Draw, Questions


def euler_a(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """Euler from σ down to σ_down, then noise of σ_up.

    Katherine Crowson's k-diffusion, after Song et al., "Score-Based Generative Modeling through Stochastic
    Differential Equations" (arXiv:2011.13456), appendix F. The same step as DDPM.
    """
    for sigma, next_sigma in pairwise(sigmas.tolist()):
        x, x0 = yield x, sigma
        down, up = ancestral(sigma, next_sigma)
        x = x + (down - sigma) * (x - x0) / sigma
        if up > 0:
            x = x + up * noise()
    return x
