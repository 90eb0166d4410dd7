"""The schedule: how much noise belongs to each trained timestep, and which noise levels a run visits.

Two languages describe one noise level. Training speaks of the timestep t in 0…999 and keeps the variance
(x = √ᾱ·x0 + √(1−ᾱ)·noise, "VP"); samplers here speak of σ = √((1−ᾱ)/ᾱ) and let x grow (x = x0 + σ·noise, "VE"),
where the maths is shortest. The two x differ by the factor √ᾱ = 1/√(1+σ²).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from garasu.diffusion.errors import SamplingError, unknown
from garasu.diffusion.spacing import CURVES, SPACINGS, TIMESTEPS

Final = Literal["zero", "min"]


@dataclass(frozen=True, eq=False)
class Schedule:
    """The noise levels a network was trained on, float64 on the CPU: levels are a few numbers, and exact.

    ``alphas_cumprod``: ᾱ [N], strictly descending between 1 and 0; ᾱ[t] is the share of signal variance left at t.

    Raises:
        SamplingError: ``alphas_cumprod`` is not such a sequence (NaN included).
    """

    alphas_cumprod: Tensor

    def __post_init__(self) -> None:
        object.__setattr__(self, "alphas_cumprod", self.alphas_cumprod.detach().to("cpu", torch.float64))
        alphas = self.alphas_cumprod
        falling = alphas.ndim == 1 and len(alphas) > 1 and bool((alphas.diff() < 0).all())
        if not (falling and alphas[-1] > 0 and alphas[0] < 1):
            raise SamplingError(
                "alphas_cumprod must fall strictly from below 1 to above 0; check the schedule's betas."
            )

    @classmethod
    def scaled_linear(cls, beta_start: float = 0.00085, beta_end: float = 0.012, length: int = 1000) -> "Schedule":
        """Stable Diffusion's schedule: √β rises linearly; ᾱ_t = Π (1 − β_i). Defaults: SD 1.x and 2.x."""
        betas = torch.linspace(beta_start**0.5, beta_end**0.5, length, dtype=torch.float64) ** 2
        return cls(torch.cumprod(1 - betas, dim=0))

    def __len__(self) -> int:
        return len(self.alphas_cumprod)

    @cached_property
    def sigmas(self) -> Tensor:
        """σ of every trained timestep, ascending, float64 [N]: 0.0292 … 14.61 for Stable Diffusion."""
        return ((1 - self.alphas_cumprod) / self.alphas_cumprod).sqrt()

    @cached_property
    def log_sigmas(self) -> Tensor:
        """log σ of every trained timestep, float64 [N]."""
        return self.sigmas.log()

    def sigma(self, t: Tensor | float) -> Tensor:
        """The noise level of timestep ``t`` (any shape, fractions allowed), float64 on the CPU.

        Between two trained timesteps log σ is interpolated linearly, so that ``t`` and ``sigma`` are inverses.

        Raises:
            SamplingError: some t lies outside 0…N−1.
        """
        t = torch.as_tensor(t).to("cpu", torch.float64)
        if t.numel() and not (t.min() >= 0 and t.max() <= len(self) - 1):
            raise SamplingError(f"Timesteps must lie in 0…{len(self) - 1}, got {t.min():g}…{t.max():g}.")
        return _between(self.log_sigmas, t).exp()

    def t(self, sigma: Tensor | float) -> Tensor:
        """The timestep whose noise level is ``sigma`` (any shape, σ ≥ 0), float64 on the CPU.

        Linear in log σ between trained levels, as in k-diffusion; a level outside the trained range gets the
        nearest end.
        """
        log_sigma = torch.as_tensor(sigma).to("cpu", torch.float64).log()
        low = (torch.searchsorted(self.log_sigmas, log_sigma, right=True) - 1).clamp(0, len(self) - 2)
        below, above = self.log_sigmas[low], self.log_sigmas[low + 1]
        return low + ((log_sigma - below) / (above - below)).clamp(0, 1)

    def spaced(
        self,
        steps: int,
        spacing: str = "leading",
        final: Final = "zero",
        *,
        whole: bool = False,
        skip_lowest: bool = False,
    ) -> Tensor:
        """The σ of a run: ``steps`` levels to denoise at, and the level to end at; descending, float64 [steps + 1].

        Args:
            steps: 1 … N.
            spacing: leading, linspace, trailing, sgm_uniform, simple, lcm (timesteps) or karras, exponential (from
                σ_max to σ_min).
            final: end at "zero", or at "min", the lowest trained level.
            whole: round timesteps to trained ones (matters for linspace and sgm_uniform only).
            skip_lowest: lay out leading and linspace with one step more and leave out the lowest level, which is
                nearly clean already; then at most N − 1 steps fit.

        Raises:
            SamplingError: steps out of range; unknown spacing or final.
        """
        last = {"zero": 0.0, "min": float(self.sigmas[0])}.get(final)
        if last is None:
            raise unknown("final level", final, ("zero", "min"))
        levels = self._levels(steps, spacing, whole, skip_lowest)
        return torch.cat([levels, torch.tensor([last], dtype=torch.float64)])

    def _levels(self, steps: int, spacing: str, whole: bool, skip_lowest: bool) -> Tensor:
        if spacing not in SPACINGS:
            raise unknown("spacing", spacing, SPACINGS)
        spare = int(skip_lowest and spacing in ("leading", "linspace"))
        if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= len(self) - spare:
            raise SamplingError(f"steps must be a whole number from 1 to {len(self) - spare}, got {steps!r}.")
        if spacing in CURVES:
            top, bottom = float(self.sigmas[-1]), float(self.sigmas[0])
            return CURVES[spacing](steps, top, bottom).clamp(bottom, top)  # rounding must not end below σ_min
        timesteps = TIMESTEPS[spacing](steps + spare, len(self))[:steps]
        # Between trained timesteps diffusers interpolates σ itself here, not log σ; following it keeps levels equal.
        return _between(self.sigmas, timesteps.round() if whole else timesteps)


def _between(table: Tensor, t: Tensor) -> Tensor:
    """``table`` [N] read at ``t`` (any shape, 0…N−1), linear between entries and exact on them."""
    low = t.floor().long().clamp(0, len(table) - 2)
    share = t - low
    return (1 - share) * table[low] + share * table[low + 1]
