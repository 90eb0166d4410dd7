"""What the networks are fed: random numbers from fixed seeds, the same for every subject."""

import torch
from torch import Tensor

from benchmarks.weights import Size

TIMESTEP = 481.0


def normal(*shape: int) -> Tensor:
    """Standard normal, float32, on the CPU."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(5))


def picture(side: int) -> Tensor:
    """A picture of noise [1, 3, side, side] in -1..1."""
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(6)) * 2 - 1


def token_ids(size: Size) -> Tensor:
    """Two rows of 77 ids of the model's vocabulary."""
    return torch.randint(0, size.vocabulary, (2, 77), generator=torch.Generator().manual_seed(7))
