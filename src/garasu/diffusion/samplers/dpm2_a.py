"""DPM2 ancestral: DPM2's step below the next level, then fresh noise back up to it."""

from itertools import pairwise

from torch import Tensor

from garasu.diffusion.samplers.ancestral import ancestral
from garasu.diffusion.samplers.dpm2 import dpm2
from garasu.diffusion.samplers.protocol import Draw, Questions


def dpm2_a(sigmas: Tensor, x: Tensor, noise: Draw) -> Questions:
    """DPM2 from σ down to σ_down, then noise of σ_up. Two evaluations a step, one if it ends at 0.

    Katherine Crowson's k-diffusion: the step of Lu et al. (arXiv:2206.00927), Algorithm 1, and the split of Song et
    al. (arXiv:2011.13456), appendix F, which keeps distributions exactly: the variance of what comes out has DPM2's
    second order.
    """
    for sigma, next_sigma in pairwise(sigmas.tolist()):
        down, up = ancestral(sigma, next_sigma)
        x = yield from dpm2(sigmas.new_tensor([sigma, down]), x, noise)
        if up > 0:
            x = x + up * noise()
    return x
