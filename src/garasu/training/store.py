"""Arrays as batches read them: in the device's own memory where they fit, else memory-mapped from the disk.

A GPU takes less time for a step than a CPU takes to gather its pictures. So the arrays that a part reads are copied to
the device when they are first read, and a batch is gathered there. Nothing here waits for the device: what is sent
goes through pinned memory, and a step is put in the queue while the one before it runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

Array = np.ndarray[Any, Any]

PIECE = 64 << 20  # bytes copied to the device at a time


class Store:
    """What one device holds of the training data, and how the rest comes to it."""

    def __init__(self, device: torch.device, budget: int | None = None) -> None:
        """``budget``: bytes of arrays to hold. None: on a GPU half of the memory that is free when the first array is
        read, elsewhere nothing, since what is memory-mapped lies in memory anyway."""
        self.device, self.budget = device, budget
        self._left: int | None = None
        self._held: dict[int, tuple[Array, Tensor | None]] = {}  # by identity; the array is kept, so it stays unique

    def take(self, array: Array, *index: Tensor | slice) -> Tensor:
        """``array[index]`` on the device; index tensors lie on the CPU and broadcast as numpy's do."""
        held = self._hold(array)
        if held is None:
            picked = array[tuple(one.numpy() if isinstance(one, Tensor) else one for one in index)]
            return self.send(torch.from_numpy(picked))
        return held[tuple(self.send(one) if isinstance(one, Tensor) else one for one in index)]

    def send(self, value: Tensor) -> Tensor:
        """A tensor of the CPU on the device, without waiting for it."""
        if self.device.type != "cuda":
            return value.to(self.device)
        return value.pin_memory().to(self.device, non_blocking=True)

    def normal(self, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
        """Standard normal numbers on the device, which depend on ``rng`` (of the CPU) alone.

        On a GPU they come from a generator there, seeded by the next number of ``rng``: other numbers than on a CPU,
        drawn much faster.
        """
        if self.device.type != "cuda":
            return self.send(torch.randn(shape, generator=rng))
        seed = int(torch.randint(1 << 62, (), generator=rng))
        return torch.randn(shape, generator=torch.Generator(self.device).manual_seed(seed), device=self.device)

    def release(self) -> None:
        """Let go of every array."""
        self._held.clear()
        self._left = None

    def _hold(self, array: Array) -> Tensor | None:
        """The array on the device, copied there at its first call; None where it does not fit."""
        if id(array) not in self._held:
            if self._left is None:
                self._left = _half_of_free(self.device) if self.budget is None else self.budget
            fits = array.nbytes <= self._left
            self._left -= array.nbytes * fits
            self._held[id(array)] = (array, self._copied(array) if fits else None)
        return self._held[id(array)][1]

    def _copied(self, array: Array) -> Tensor:
        dtype = torch.from_numpy(np.empty(0, array.dtype)).dtype
        copied = torch.empty(array.shape, dtype=dtype, device=self.device)
        rows = max(PIECE * len(array) // max(array.nbytes, 1), 1)
        for start in range(0, len(array), rows):
            piece = slice(start, start + rows)
            copied[piece] = self.send(torch.from_numpy(array[piece].copy()))  # a memory map cannot be written to
        return copied


def windows(tops: Tensor, lefts: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Indices [B, H, 1] of rows and [B, 1, W] of columns, for a window of each picture that begins at [B] and [B]."""
    ys = tops[:, None] + torch.arange(height, device=tops.device)
    xs = lefts[:, None] + torch.arange(width, device=lefts.device)
    return ys[:, :, None], xs[:, None, :]


def _half_of_free(device: torch.device) -> int:
    return torch.cuda.mem_get_info(device)[0] // 2 if device.type == "cuda" else 0
