"""DPM++ SDE: DDPM's random step, aimed at the x0 that is seen from its middle."""

from itertools import pairwise
from math import sqrt

from torch import Tensor

from garasu.diffusion.samplers.ddpm import posterior
from garasu.diffusion.samplers.protocol import Draw, Questions


def dpmpp_sde(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """Draw x at √(σ·σ') from q(· | x, x0), ask there, and draw x' from q(· | x, that answer). Second order.

    Katherine Crowson's k-diffusion, after Lu et al. (arXiv:2211.01095): DPM-Solver++(2S) with r = ½ on the reverse
    SDE, in σ-space. Two evaluations a step; a step to 0 takes x0.

    Both draws belong to one Brownian path W over σ: they see W(σ) − W(middle) and W(σ) − W(σ'), which share their
    first part. k-diffusion and diffusers look these increments up in a tree, which gives the same path to runs of
    different step counts; here each run draws its own, of the same distribution, so that a picture depends on its
    seed's generator alone.
    """
    for sigma, next_sigma in pairwise(sigmas.tolist()):
        x, x0 = yield x, sigma
        if next_sigma == 0:
            return x0
        middle, first = sqrt(sigma * next_sigma), noise()
        mean, std = posterior(x, x0, sigma, middle)
        _, x0 = yield mean + std * first, middle
        share = (sigma - middle) / (sigma - next_sigma)
        whole = sqrt(share) * first + sqrt(1 - share) * noise()
        mean, std = posterior(x, x0, sigma, next_sigma)
        x = mean + std * whole
    return x
