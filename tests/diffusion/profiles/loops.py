"""What the tools do, stated slowly: one plain loop for each, over a toy network, x at unit variance (VP) or not.

Written from the papers' formulas and docs/reference/profiles.md, and sharing nothing with the package but a schedule.
"""

from dataclasses import dataclass
from math import sqrt

import torch
from tests.diffusion.gaussian import finish
from torch import Tensor

from garasu.diffusion import Schedule, find_sampler
from garasu.diffusion.canvas import Canvas
from garasu.diffusion.profiles import find_profile

SCHEDULE = Schedule.scaled_linear()
ALPHAS = SCHEDULE.alphas_cumprod.tolist()
SHAPE = (2, 4, 6, 5)


def random(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape or SHAPE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


PICTURE, NOISE = random(0, 1, 4, 6, 5), random(1)
MASK = torch.rand(1, 1, 6, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
MASK[..., :2], MASK[..., 3:] = 1, 0  # painted, an edge, kept


def eps(x: Tensor, t: float) -> Tensor:
    """A network with no meaning, of x at unit variance and a timestep."""
    return torch.tanh(x + t / 700) * 0.8 + 0.1 * x.roll(1, dims=3)


def denoised(x: Tensor, sigma: Tensor) -> Tensor:
    """The same network's clean latent, of x = x0 + σ·noise."""
    return x - sigma * eps(x / (1 + sigma**2).sqrt(), float(SCHEDULE.t(sigma)))


@dataclass
class Draws:
    """Noise after noise, the same at every start."""

    seed: int = 100

    def __call__(self) -> Tensor:
        self.seed += 1
        return random(self.seed)


def ours(profile: str, sampler: str, steps: int, strength: float | None = None, *, masked: bool = False) -> Tensor:
    """The finished latent of a profile, as ``StableDiffusion.sample`` goes about it."""
    like, kind, draw = find_profile(profile), find_sampler(sampler), Draws()
    mask = MASK if masked else None
    canvas = None if strength is None else Canvas(PICTURE, strength, mask, like.blend(sampler))
    walk = like.walk(kind, SCHEDULE, steps, None, strength)
    last, denoise = float(walk.sigmas[-1]), denoised
    questions = kind.run(walk.sigmas, like.first(kind, NOISE, walk, canvas, None), draw)
    if canvas is not None:
        questions, denoise = canvas.keep(questions, NOISE, last, draw), canvas.answered(denoise)
    return finish(questions, denoise) / sqrt(1 + last**2)


def mixed(painted: Tensor, kept: Tensor) -> Tensor:
    return MASK * painted + (1 - MASK) * kept


def noised(alpha: float, noise: Tensor) -> Tensor:
    """The picture at a level, at unit variance."""
    return sqrt(alpha) * PICTURE + sqrt(1 - alpha) * noise


def ddim_step(x: Tensor, e: Tensor, alpha: float, before: float) -> Tensor:
    clean = (x - sqrt(1 - alpha) * e) / sqrt(alpha)
    return sqrt(before) * clean + sqrt(1 - before) * e
