"""The noise schedule that a checkpoint was trained with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from garasu.checkpoints.errors import CheckpointError
from garasu.diffusion.schedule import Schedule

Kind = Literal["scaled_linear", "linear"]
TOLERANCE = 2e-3  # relative; float16 files round their betas by up to 5e-4


@dataclass(frozen=True)
class Betas:
    """β of step 1…``length`` from ``start`` to ``end``: linear, or linear in √β (Rombach et al. 2022, as released)."""

    start: float = 0.00085
    end: float = 0.012
    length: int = 1000
    kind: Kind = "scaled_linear"

    def values(self) -> Tensor:
        """β, float64 [length]."""
        power = 2 if self.kind == "scaled_linear" else 1
        steps = torch.linspace(self.start ** (1 / power), self.end ** (1 / power), self.length, dtype=torch.float64)
        return steps**power

    def schedule(self) -> Schedule:
        """The schedule ᾱ = Π (1 − β)."""
        return Schedule((1 - self.values()).cumprod(0))


def from_config(config: Mapping[str, Any], where: str) -> Betas:
    """The betas of a diffusers scheduler_config.json.

    Raises:
        CheckpointError: it describes a schedule that garasu does not have.
    """
    kind = config.get("beta_schedule", "linear")
    if kind not in get_args(Kind) or config.get("trained_betas") is not None:
        raise CheckpointError(f"{where}: the beta schedule {kind!r} is not supported, only scaled_linear and linear.")
    if config.get("rescale_betas_zero_snr"):
        raise CheckpointError(f"{where}: schedules rescaled to zero terminal SNR are not supported.")
    defaults = Betas(start=0.0001, end=0.02, kind="linear")  # diffusers' own, for fields that are left out
    return Betas(
        config.get("beta_start", defaults.start),
        config.get("beta_end", defaults.end),
        config.get("num_train_timesteps", defaults.length),
        kind,
    )


def from_buffer(values: Tensor, where: str) -> Betas:
    """The schedule behind the ``betas`` that CompVis files carry along.

    Raises:
        CheckpointError: they are neither scaled-linear nor linear.
    """
    values = values.detach().double()
    start, end = float(values[0]), float(values[-1])
    for candidate in (Betas(), Betas(start, end, len(values)), Betas(start, end, len(values), "linear")):
        expected = candidate.values()
        if expected.shape == values.shape and torch.allclose(values, expected, rtol=TOLERANCE, atol=0):
            return candidate
    raise CheckpointError(f"{where}: its betas are neither scaled-linear nor linear, which garasu does not support.")
