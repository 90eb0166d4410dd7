"""PLMS: the noise predicted next is guessed from the last four predictions, with fixed weights."""

from itertools import pairwise

import torch
from torch import Tensor

from garasu.diffusion.samplers.protocol import Draw, Questions

WEIGHTS = (  # Adams and Bashforth's, of the newest prediction first
    (1.0,),
    (3 / 2, -1 / 2),
    (23 / 12, -16 / 12, 5 / 12),
    (55 / 24, -59 / 24, 37 / 24, -9 / 24),
)


def plms(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """x' = x + (σ' − σ)·Σ wᵢ·εᵢ over the last four ε = (x − x0)/σ; draws no noise.

    Liu, Ren, Lin and Zhao, "Pseudo Numerical Methods for Diffusion Models on Manifolds" (arXiv:2202.09778), eq. 9 and
    12, started as CompVis does it: the first step looks again where it landed, like Heun's, which is one evaluation
    more. The weights are those of even strides: fourth order in σ where strides in σ are even; on other levels
    second, which is what the paper proves.
    """
    past: list[Tensor] = []
    for sigma, next_sigma in pairwise(sigmas.tolist()):
        x, x0 = yield x, sigma
        past = [(x - x0) / sigma, *past][: len(WEIGHTS)]
        weighted = [weight * one for weight, one in zip(WEIGHTS[len(past) - 1], past, strict=True)]
        eps = torch.stack(weighted).sum(dim=0)
        if len(past) == 1 and len(sigmas) > 2:
            there, x0_there = yield x + (next_sigma - sigma) * eps, next_sigma
            eps = (eps + (there - x0_there) / next_sigma) / 2
        x = x + (next_sigma - sigma) * eps
    return x
