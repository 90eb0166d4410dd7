"""Noise that belongs to a picture, not to a batch or a device."""

from collections.abc import Sequence

import torch
from torch import Tensor

from garasu.diffusion.errors import SamplingError


class Noise:
    """Standard normal noise, one CPU generator per picture.

    Row i depends on ``seeds[i]`` and on how often ``draw`` was called, and on nothing else: the same seed gives the
    same picture alone, in any batch and on every device. The first draw equals what diffusers makes from
    ``torch.Generator("cpu").manual_seed(seed)``.
    """

    def __init__(self, seeds: Sequence[int], shape: tuple[int, int, int], device: torch.device | str = "cpu") -> None:
        """One row per seed, each of ``shape`` (C, H, W); draws are moved to ``device``.

        Raises:
            SamplingError: no seed, or one that is no whole number from −2⁶³ to 2⁶⁴−1.
        """
        if not seeds:
            raise SamplingError("Give at least one seed; each seed is one picture.")
        self.shape = shape
        self.device = torch.device(device)
        self._generators = [_generator(seed) for seed in seeds]

    def draw(self) -> Tensor:
        """The next noise of every row: [B, C, H, W] float32."""
        rows = [torch.randn(self.shape, generator=one, dtype=torch.float32) for one in self._generators]
        return torch.stack(rows).to(self.device)  # [B, C, H, W]


def _generator(seed: int) -> torch.Generator:
    if isinstance(seed, bool) or not isinstance(seed, int) or not -(2**63) <= seed < 2**64:
        raise SamplingError(f"A seed is a whole number from -2**63 to 2**64 - 1, got {seed!r}.")
    return torch.Generator("cpu").manual_seed(seed)
