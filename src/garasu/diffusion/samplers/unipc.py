"""UniPC: DPM++ 2M predicts, and its next answer corrects what it predicted."""

from itertools import pairwise
from math import expm1, inf, log

from torch import Tensor

from garasu.diffusion.samplers.moments import moments
from garasu.diffusion.samplers.protocol import Draw, Questions


def unipc(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """Steps aim at D = x0 + h/(2·h_last)·(x0 − x0_last); the answer at their end says which D was right.

    Zhao, Bai, Rao, Zhou and Lu, "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion
    Models" (arXiv:2302.04867), UniPC-2 with B₂(h) = e^h − 1, in σ-space. The predictor is DPM++ 2M, of second order;
    the corrector, which asks nothing more, makes it third. It moves x by (1 − σ'/σ)·(D_right − D), so that an x
    edited in between stays edited. The first step and a step to 0 take D = x0. Draws no noise.
    """
    answers: list[Tensor] = []  # the newest first, and the strides between them
    strides: list[float] = []
    heading = x
    for sigma, next_sigma in pairwise(sigmas.tolist()):
        x, x0 = yield x, sigma
        answers = [x0, *answers][:3]
        if strides:
            x = x - expm1(-strides[0]) * (_corrected(answers, strides) - heading)
        h = log(sigma / next_sigma) if next_sigma > 0 else inf
        heading = x0 + h / (2 * strides[0]) * (x0 - answers[1]) if strides and next_sigma > 0 else x0
        x = heading + next_sigma / sigma * (x - heading)
        strides = [h, *strides][:2]
    return x


def _corrected(answers: list[Tensor], strides: list[float]) -> Tensor:
    """Where the last step should have aimed: the weighted mean of the parabola through the answers around it."""
    now, last, *before = answers
    if not before:
        return (now + last) / 2
    mean, square = moments(strides[0])
    reach = strides[1] / strides[0]
    behind = (mean - square) / (1 + reach) * (last - before[0]) / reach
    return last + behind + (reach * mean + square) / (1 + reach) * (now - last)
