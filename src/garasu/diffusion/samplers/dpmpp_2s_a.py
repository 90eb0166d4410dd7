"""DPM++ 2S ancestral: aim at the x0 seen from the middle, pass below the next level, add noise back up to it."""

from itertools import pairwise
from math import sqrt

from torch import Tensor

from garasu.diffusion.samplers.ancestral import ancestral
from garasu.diffusion.samplers.protocol import Draw, Questions


def dpmpp_2s_a(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """x' = D + (σ_down/σ)·(x − D) + σ_up·z, D the answer at √(σ·σ_down), reached by the same step with D = x0.

    Lu et al., "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models" (arXiv:2211.01095),
    Algorithm 1 (2S) with r = ½, in σ-space, and k-diffusion's ancestral split. The variance of what comes out has
    second order. Two evaluations a step; a step to 0 takes D = x0.
    """
    for sigma, next_sigma in pairwise(sigmas.tolist()):
        x, x0 = yield x, sigma
        down, up = ancestral(sigma, next_sigma)
        if down > 0:
            middle = sqrt(sigma * down)
            _, x0 = yield x0 + middle / sigma * (x - x0), middle
        x = x0 + down / sigma * (x - x0)
        if up > 0:
            x = x + up * noise()
    return x
