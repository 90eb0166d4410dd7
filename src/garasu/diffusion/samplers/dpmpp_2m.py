"""DPM-Solver++(2M): guess where x0 is heading from the last two answers."""

from itertools import pairwise
from math import inf, log

from torch import Tensor

from garasu.diffusion.samplers.protocol import Draw, Questions


def dpmpp_2m(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """x' = D + (σ'/σ)·(x − D) with D = x0 + h/(2·h_last)·(x0 − x0_last), h = log(σ/σ').

    Lu et al., "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models" (arXiv:2211.01095),
    Algorithm 2, in σ-space. Second order from one evaluation a step; draws no noise. The first step, which has no
    last answer, and a step to 0, where h is infinite, take D = x0 (first order), as in diffusers.
    """
    x0_last, h_last = None, inf
    for sigma, next_sigma in pairwise(sigmas.tolist()):
        x, x0 = yield x, sigma
        h = log(sigma / next_sigma) if next_sigma > 0 else inf
        heading = x0 if x0_last is None or next_sigma == 0 else x0 + h / (2 * h_last) * (x0 - x0_last)
        x = heading + next_sigma / sigma * (x - heading)
        x0_last, h_last = x0, h
    return x
