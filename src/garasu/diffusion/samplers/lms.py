"""LMS: a cubic through the last four slopes, integrated to the next level."""

from itertools import pairwise
from math import prod, sqrt

from torch import Tensor

from garasu.diffusion.samplers.protocol import Draw, Questions

ORDER = 4


def lms(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """x' = x + ∫ p(τ) dτ from σ to σ', where the polynomial p passes the last four slopes (x − x0)/σ. Draws no noise.

    Adams and Bashforth's linear multistep method for uneven strides, on the ODE of Karras, Aittala, Aila and Laine
    (arXiv:2206.00364), eq. 3, as in Katherine Crowson's k-diffusion. Fourth order once it has four slopes; the first
    steps have one, two and three. A step to 0 is like the others.
    """
    past: list[tuple[float, Tensor]] = []
    for sigma, next_sigma in pairwise(sigmas.tolist()):
        x, x0 = yield x, sigma
        past = [(sigma, (x - x0) / sigma), *past][:ORDER]
        levels = [level for level, _ in past]
        for level, slope in past:
            x = x + _weight(level, levels, sigma, next_sigma) * slope
    return x


def _weight(level: float, levels: list[float], start: float, end: float) -> float:
    """∫ from start to end of the polynomial that is 1 at ``level`` and 0 at the other ``levels``.

    By Gauss and Legendre's rule with two points, which is exact for cubics.
    """
    middle, half = (start + end) / 2, (end - start) / 2
    others = [other for other in levels if other != level]
    points = (middle - half / sqrt(3), middle + half / sqrt(3))
    return half * sum(prod((point - other) / (level - other) for other in others) for point in points)
