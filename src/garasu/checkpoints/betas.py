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
TOLERANCE = 5e-3  # relative; bfloat16 files round their betas by up to 4e-3


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
    if config.get("trained_betas") is not None:
        raise CheckpointError(f"{where}: trained_betas are not supported, only scaled_linear and linear schedules.")
    if config.get("rescale_betas_zero_snr"):
        raise CheckpointError(f"{where}: schedules rescaled to zero terminal SNR are not supported.")
    found = Betas(
        config.get("beta_start", 0.0001),  # diffusers' own defaults, for fields that are left out
        config.get("beta_end", 0.02),
        config.get("num_train_timesteps", 1000),
        config.get("beta_schedule", "linear"),
    )
    check_betas(found, where)
    return found


def check_betas(found: Betas, where: str) -> None:
    """Betas that came out of a file are a schedule.

    Raises:
        CheckpointError: they are not.
    """
    if found.kind not in get_args(Kind):
        raise CheckpointError(
            f"{where}: the beta schedule {found.kind!r} is not supported, only scaled_linear and linear."
        )
    numbers = all(isinstance(end, int | float) for end in (found.start, found.end)) and type(found.length) is int
    if not (numbers and 0 < found.start <= found.end < 1 and found.length > 1):
        what = f"from {found.start!r} to {found.end!r} in {found.length!r} steps"
        raise CheckpointError(f"{where}: betas {what} are no noise schedule; they rise between 0 and 1.")


def from_buffer(values: Tensor, where: str) -> Betas:
    """The schedule behind the ``betas`` that CompVis files carry along.

    Raises:
        CheckpointError: they are neither scaled-linear nor linear.
    """
    values = values.detach().double().flatten()
    ends = (float(values[0]), float(values[-1]), len(values)) if len(values) else (0.0, 0.0, 0)
    for candidate in (Betas(), Betas(*ends), Betas(*ends, "linear")):
        expected = candidate.values()
        if expected.shape == values.shape and torch.allclose(values, expected, rtol=TOLERANCE, atol=0):
            check_betas(candidate, where)
            return candidate
    raise CheckpointError(f"{where}: its betas are neither scaled-linear nor linear, which garasu does not support.")
