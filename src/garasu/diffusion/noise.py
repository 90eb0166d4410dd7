"""Noise that belongs to a picture, not to a batch or a device."""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from garasu.diffusion.errors import SamplingError, unknown
from garasu.diffusion.philox import CudaNoise

Source = Literal["cpu", "nv"]
SOURCES = ("cpu", "nv")
Shape = tuple[int, int, int]


class Noise:
    """Standard normal noise, one generator per picture.

    Row i depends on ``seeds[i]`` and on how often ``draw`` was called, and on nothing else: the same seed gives the
    same picture alone, in any batch and on every device. From the source "cpu" the first draw equals what diffusers
    makes from ``torch.Generator("cpu").manual_seed(seed)``; from "nv", what torch draws on an NVIDIA GPU (A1111's
    "NV"), computed on the CPU.
    """

    def __init__(
        self, seeds: Sequence[int], shape: Shape, device: torch.device | str = "cpu", source: Source = "cpu"
    ) -> None:
        """One row per seed, each of ``shape`` (C, H, W); draws are moved to ``device``.

        Raises:
            SamplingError: no seed, one that is no whole number from −2⁶³ to 2⁶⁴−1, or an unknown source.
        """
        if not seeds:
            raise SamplingError("Give at least one seed; each seed is one picture.")
        if source not in SOURCES:
            raise unknown("source of noise", source, SOURCES)
        self.shape = shape
        self.device = torch.device(device)
        start = CudaNoise if source == "nv" else _CpuNoise
        self._draws: list[Callable[[Shape], Tensor]] = [start(_checked(seed)).randn for seed in seeds]

    def draw(self) -> Tensor:
        """The next noise of every row: [B, C, H, W] float32."""
        return torch.stack([draw(self.shape) for draw in self._draws]).to(self.device)  # [B, C, H, W]


class _CpuNoise:
    """torch's own generator of the CPU."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator("cpu").manual_seed(seed)

    def randn(self, shape: Shape) -> Tensor:
        return torch.randn(shape, generator=self._generator, dtype=torch.float32)


def _checked(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int) or not -(2**63) <= seed < 2**64:
        raise SamplingError(f"A seed is a whole number from -2**63 to 2**64 - 1, got {seed!r}.")
    return seed
