"""Paths with known distances, for the tests of this package."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

from garasu.glass.paths.path import Path

SIGMA = tuple(np.geomspace(10, 0.1, 21).tolist())


def path(
    x0: Callable[[float], float] | float,
    latent: Callable[[float], float] | float = 0.0,
    *,
    sigma: Sequence[float] = SIGMA,
    end: float | None = None,
    label: str = "a run",
) -> Path:
    """A path of 2×2 latents of one channel that are everywhere alike: numbers, or functions of σ."""
    made = [[one(level) if callable(one) else one for level in sigma] for one in (latent, x0)]
    rows = [torch.tensor(values, dtype=torch.float32)[:, None, None, None].expand(-1, 1, 2, 2) for values in made]
    last = made[1][-1] if end is None else end
    return Path(label, tuple(sigma), rows[0], rows[1], torch.full((1, 2, 2), last))


def logistic(middle: float, width: float) -> Callable[[float], float]:
    """From 0 at much noise to 1 at little, half of it at ``middle``, over log σ."""
    return lambda sigma: 1 / (1 + math.exp(math.log(sigma / middle) / width))
