"""Heun: an Euler step, a second look where it landed, and the mean of both slopes."""

from itertools import pairwise

from torch import Tensor

from garasu.diffusion.samplers.protocol import Draw, Questions


def heun(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """The trapezoidal rule on dx/dσ = (x − x0)/σ. Second order; draws no noise; two evaluations a step.

    Karras, Aittala, Aila and Laine, "Elucidating the Design Space of Diffusion-Based Generative Models"
    (arXiv:2206.00364), Algorithm 1. A step to σ' = 0 has no second look: the slope there is not defined.
    """
    for sigma, next_sigma in pairwise(sigmas.tolist()):
        x, x0 = yield x, sigma
        slope = (x - x0) / sigma
        there = x + (next_sigma - sigma) * slope
        if next_sigma > 0:
            there, x0_there = yield there, next_sigma
            slope = (slope + (there - x0_there) / next_sigma) / 2
            there = x + (next_sigma - sigma) * slope
        x = there
    return x
