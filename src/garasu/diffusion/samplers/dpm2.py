"""DPM2: the slope at the middle of the step, seen from there, carries x all the way."""

from itertools import pairwise
from math import sqrt

from torch import Tensor

from garasu.diffusion.samplers.protocol import Draw, Questions


def dpm2(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """The midpoint rule on dx/dσ = (x − x0)/σ, its midpoint √(σ·σ'). Second order; no noise; two evaluations a step.

    Lu et al., "DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model Sampling in Around 10 Steps"
    (arXiv:2206.00927), Algorithm 1 (DPM-Solver-2), in σ-space. A step to 0, whose middle would be 0, is Euler's.
    """
    for sigma, next_sigma in pairwise(sigmas.tolist()):
        x, x0 = yield x, sigma
        slope = (x - x0) / sigma
        if next_sigma > 0:
            middle = sqrt(sigma * next_sigma)
            there, x0_there = yield x + (middle - sigma) * slope, middle
            slope = (there - x0_there) / middle
        x = x + (next_sigma - sigma) * slope
    return x
