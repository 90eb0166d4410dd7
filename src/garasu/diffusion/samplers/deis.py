"""DEIS: a line through the last two noise predictions, integrated to the next level."""

from itertools import pairwise
from math import log

from torch import Tensor

from garasu.diffusion.samplers.protocol import Draw, Questions

FEW = 15


def deis(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """x' = x + ∫ ε dτ from σ to σ', where ε is a line in log τ through the last two ε = (x − x0)/σ. Draws no noise.

    Zhang and Chen, "Fast Sampling of Diffusion Models with Exponential Integrator" (arXiv:2204.13902), eq. 15 with
    the line in log ρ: DEIS-logρAB1, in σ-space. Second order from one evaluation a step. The first step, a step to 0,
    and with fewer than 15 steps the last one hold ε still (first order), as in diffusers.
    """
    steps = len(sigmas) - 1
    eps_last, h_last = None, 0.0
    for index, (sigma, next_sigma) in enumerate(pairwise(sigmas.tolist())):
        x, x0 = yield x, sigma
        eps = (x - x0) / sigma
        x = x + (next_sigma - sigma) * eps
        if next_sigma == 0:
            break
        h = log(sigma / next_sigma)
        if eps_last is not None and not (index == steps - 1 and steps < FEW):
            x = x + (sigma - next_sigma * (1 + h)) / h_last * (eps_last - eps)
        eps_last, h_last = eps, h
    return x
