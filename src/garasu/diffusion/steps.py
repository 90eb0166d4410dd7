"""The loop: a sampler asks, ``drive`` answers, and you watch between."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from garasu.diffusion.denoiser import Denoise
from garasu.diffusion.samplers.protocol import Questions
from garasu.panes import moment


@dataclass
class Step:
    """One denoiser evaluation as you see it; assign ``latent`` or ``x0`` to change what happens next.

    ``index``: 0 … total − 1, and ``total`` for the finished picture; ``sigma``: the noise level of ``latent``;
    ``latent``: x = x0 + σ·noise, [B, C, H, W]; ``x0``: the clean latent believed now, [B, C, H, W].
    The last step has sigma 0, and its ``latent`` and ``x0`` are the finished latent.
    """

    index: int
    total: int
    sigma: float
    latent: Tensor
    x0: Tensor


def drive(questions: Questions, denoise: Denoise, *, total: int, final_sigma: float = 0.0) -> Iterator[Step]:
    """Answer a sampler's questions with ``denoise``, showing a Step after each answer.

    The sampler goes on with the step's ``latent`` and ``x0``, edited or not. After the last answer comes one more
    Step whose latent is finished: x/√(1+σ²) at the final σ, the latent in the scale that the network was trained on.
    Gradients are neither switched off nor on here.

    Args:
        questions: a running sampler, ``sampler.run(sigmas, x, noise)``.
        denoise: (x, sigma []) → x0, for example ``guided(...)``.
        total: how many evaluations are to come, ``sampler.evaluations(sigmas)``.
        final_sigma: the last of the sampler's sigmas.
    """
    x, sigma = next(questions)
    index = 0
    while True:
        with moment(step=index, sigma=sigma, grid=(x.shape[-2], x.shape[-1])):
            x0 = denoise(x, torch.tensor(sigma, dtype=torch.float64))
        step = Step(index, total, sigma, x, x0)
        yield step
        try:
            x, sigma = questions.send((step.latent, step.x0))
        except StopIteration as end:
            finished: Tensor = end.value / (1 + final_sigma**2) ** 0.5
            break
        index += 1
    yield Step(total, total, 0.0, finished, finished)


def without_gradients(steps: Iterator[Step]) -> Iterator[Step]:
    """The same steps, computed without gradients; between them the caller's own setting holds."""
    while True:
        with torch.no_grad():
            step = next(steps, None)
        if step is None:
            return
        yield step
