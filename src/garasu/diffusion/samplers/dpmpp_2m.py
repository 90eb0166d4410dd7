"""DPM-Solver++(2M): guess where x0 is heading from the last two answers."""

from itertools import pairwise
from math import inf, log

from torch import Tensor

from garasu.diffusion.samplers.protocol import Draw, Questions

FEW_STEPS = 15


def dpmpp_2m(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """x' = D + (σ'/σ)·(x − D) with D = x0 + h/(2·h_last)·(x0 − x0_last), h = log(σ/σ').

    Lu et al., "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models" (arXiv:2211.01095),
    Algorithm 2, in σ-space. Second order from one evaluation a step; draws no noise. The first step, a step to 0,
    and the last step of fewer than 15 take D = x0 (first order), as in diffusers.
    """
    levels = list(pairwise(sigmas.tolist()))
    x0_last, h_last = None, inf
    for index, (sigma, next_sigma) in enumerate(levels):
        x, x0 = yield x, sigma
        h = log(sigma / next_sigma) if next_sigma > 0 else inf
        closing = next_sigma == 0 or (index == len(levels) - 1 and len(levels) < FEW_STEPS)
        heading = x0 if x0_last is None or closing else x0 + h / (2 * h_last) * (x0 - x0_last)
        x = heading + next_sigma / sigma * (x - heading)
        x0_last, h_last = x0, h
    return x
