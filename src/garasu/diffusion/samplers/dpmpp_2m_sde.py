"""DPM++ 2M SDE: DDPM's random step, aimed at where x0 is heading."""

from itertools import pairwise
from math import inf, log

from torch import Tensor

from garasu.diffusion.samplers.ddpm import posterior
from garasu.diffusion.samplers.protocol import Draw, Questions


def dpmpp_2m_sde(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """Draw x' from q(x' | x, D) with D = x0 + h/(2·h_last)·(x0 − x0_last), h = log(σ/σ'): D as in DPM++ 2M.

    Lu et al., "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models" (arXiv:2211.01095),
    SDE-DPM-Solver++(2M), in σ-space: diffusers' "sde-dpmsolver++" of order 2, "midpoint". Second order from one
    evaluation a step. The first step and a step to 0 take D = x0.
    """
    x0_last, h_last = None, inf
    for sigma, next_sigma in pairwise(sigmas.tolist()):
        x, x0 = yield x, sigma
        h = log(sigma / next_sigma) if next_sigma > 0 else inf
        heading = x0 if x0_last is None or next_sigma == 0 else x0 + h / (2 * h_last) * (x0 - x0_last)
        x, std = posterior(x, heading, sigma, next_sigma)
        if std > 0:
            x = x + std * noise()
        x0_last, h_last = x0, h
    return x
