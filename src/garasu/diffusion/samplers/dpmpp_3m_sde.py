"""DPM++ 3M SDE: DDPM's random step, aimed along the parabola through the last three answers."""

from itertools import pairwise
from math import log

from torch import Tensor

from garasu.diffusion.samplers.ddpm import posterior
from garasu.diffusion.samplers.moments import moments
from garasu.diffusion.samplers.protocol import Draw, Questions


def dpmpp_3m_sde(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """Draw x' from q(x' | x, D) with D = x0 + E[u]·d1 + ½·E[u²]·d2: ``moments`` of 2h, h = log(σ/σ').

    Katherine Crowson's k-diffusion, after Lu et al. (arXiv:2211.01095). d1 and d2 are slope and curvature of x0 per
    step, divided differences over the last three answers; the second step has d1 alone, the first and a step to 0
    take D = x0. k-diffusion, like DPM-Solver's own multistep code, weighs d2 half as much as Taylor's formula does,
    so the order is two and not three; we keep that, since it is what the name means. One evaluation a step.
    """
    answers: list[Tensor] = []  # the newest first, and the strides between them
    strides: list[float] = []
    for sigma, next_sigma in pairwise(sigmas.tolist()):
        x, x0 = yield x, sigma
        if next_sigma == 0:
            return x0
        h = log(sigma / next_sigma)
        answers = [x0, *answers][:3]
        x, std = posterior(x, _heading(answers, strides, h), sigma, next_sigma)
        x = x + std * noise()
        strides = [h, *strides][:2]
    return x


def _heading(answers: list[Tensor], strides: list[float], h: float) -> Tensor:
    x0, *past = answers
    mean, square = moments(2 * h)
    if not past:
        return x0
    slope = (x0 - past[0]) * h / strides[0]
    if len(past) == 1:
        return x0 + mean * slope
    bend = (slope - (past[0] - past[1]) * h / strides[1]) * h / sum(strides)
    return x0 + mean * (slope + bend * strides[0] / h) + square / 2 * bend
