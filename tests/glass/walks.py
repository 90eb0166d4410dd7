"""Walks that no network made, for figures and measures of walks."""

from types import SimpleNamespace
from typing import Any, cast

import torch
from torch import Tensor

from garasu.glass.picture_walk import PictureWalk
from garasu.glass.record.walk import Walk
from garasu.tasks.txt2img import Txt2Img

SIGMA = (10.0, 3.0, 1.0, 0.3)


def noised(finished: Tensor, seed: int = 0, sigma: tuple[float, ...] = SIGMA) -> PictureWalk:
    """A walk whose every latent is the finished one [1, 4, h, w] with the same noise, as the schedule has it."""
    noise = torch.randn(finished.shape, generator=torch.Generator().manual_seed(seed))
    return walk([finished + one * noise for one in sigma], [finished] * len(sigma), finished, sigma)


def walk(latent: list[Tensor], x0: list[Tensor], finished: Tensor, sigma: tuple[float, ...] = SIGMA) -> PictureWalk:
    """A walk of these latents."""
    eps = [(x - clean) / one for x, clean, one in zip(latent, x0, sigma, strict=True)]
    known: Any = SimpleNamespace(sigma=sigma, t=tuple(one * 50 for one in sigma), latent=latent, x0=x0, eps=eps)
    known.finished = finished
    Sized = type("Sized", (SimpleNamespace,), {"__len__": lambda self: len(self.sigma)})
    return PictureWalk(Txt2Img(prompt="cat", seed=7), cast("Walk", Sized(**vars(known))), 0)


def smooth(height: int = 8, width: int = 8, seed: int = 1) -> Tensor:
    """A latent [1, 4, h, w] that is mostly coarse, of about unit variance."""
    coarse = torch.randn(1, 4, height // 4, width // 4, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear") * 1.5
