"""Euler: follow the slope of the probability-flow ODE in straight lines."""

from itertools import pairwise

from torch import Tensor

from garasu.diffusion.samplers.protocol import Draw, Questions


def euler(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """x' = x + (σ' − σ)·dx/dσ with dx/dσ = (x − x0)/σ. First order; draws no noise.

    Karras, Aittala, Aila and Laine, "Elucidating the Design Space of Diffusion-Based Generative Models"
    (arXiv:2206.00364), eq. 3 and Algorithm 1 without its correction. The same step as DDIM at eta 0.
    """
    for sigma, next_sigma in pairwise(sigmas.tolist()):
        x, x0 = yield x, sigma
        x = x + (next_sigma - sigma) * (x - x0) / sigma
    return x
