"""Compiling what is trained, for the shapes of batches that come often."""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor, nn

Shape = tuple[tuple[str, torch.Size], ...]

TIMES = 5  # a shape is compiled when it comes for the fifth time,
SHARE = 0.1  # if a tenth of all batches has it: compiling takes as long as many steps


class Compiled:
    """A network that runs compiled on batches of a frequent shape, and as it is written on all others."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.compiled = torch.compile(network, dynamic=False)  # sizes that stay open would cost speed
        self.shapes: set[Shape] = set()  # of the batches that run compiled
        self._came: Counter[Shape] = Counter()

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The network's answer."""
        shape = tuple((name, value.shape) for name, value in batch.items())
        self._came[shape] += 1
        if self._came[shape] >= max(TIMES, SHARE * self._came.total()):
            self.shapes.add(shape)
        found: dict[str, Tensor] = (self.compiled if shape in self.shapes else self.network)(batch)
        return found
