"""Every sampler by name, with the levels it likes."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor

from garasu.diffusion.errors import SamplingError, unknown
from garasu.diffusion.samplers.ddim import ddim
from garasu.diffusion.samplers.ddpm import ddpm
from garasu.diffusion.samplers.deis import deis
from garasu.diffusion.samplers.dpm2 import dpm2
from garasu.diffusion.samplers.dpm2_a import dpm2_a
from garasu.diffusion.samplers.dpmpp_2m import dpmpp_2m
from garasu.diffusion.samplers.dpmpp_2m_sde import dpmpp_2m_sde
from garasu.diffusion.samplers.dpmpp_2s_a import dpmpp_2s_a
from garasu.diffusion.samplers.dpmpp_3m_sde import dpmpp_3m_sde
from garasu.diffusion.samplers.dpmpp_sde import dpmpp_sde
from garasu.diffusion.samplers.euler import euler
from garasu.diffusion.samplers.euler_a import euler_a
from garasu.diffusion.samplers.heun import heun
from garasu.diffusion.samplers.lcm import lcm
from garasu.diffusion.samplers.lms import lms
from garasu.diffusion.samplers.plms import plms
from garasu.diffusion.samplers.protocol import Draw, Make, Questions
from garasu.diffusion.samplers.restart import restart
from garasu.diffusion.samplers.unipc import unipc
from garasu.diffusion.schedule import Final, Schedule


@dataclass(frozen=True)
class Sampler:
    """A sampler and its defaults, which are those of diffusers' scheduler of that kind with SD 1.5's settings.

    ``make``: the generator function; ``spacing``: the default one; ``final``: the level it ends at; ``start``: how
    its first x is scaled ("vp" √(1+σ²), "ve" σ, see ``start``); ``whole``, ``skip_lowest``: see ``Schedule.spaced``;
    ``eta``: whether it takes ``eta``. diffusers has no dpmpp_2s_a and no restart, which are like dpm2_a and heun.
    """

    name: str
    make: Make
    spacing: str = "linspace"
    final: Final = "zero"
    start: Literal["vp", "ve"] = "ve"
    whole: bool = False
    skip_lowest: bool = False
    eta: bool = False

    def sigmas(self, schedule: Schedule, steps: int, spacing: str | None = None) -> Tensor:
        """The noise levels of a run, descending, float64 [steps + 1]; ``spacing`` None is the sampler's own.

        Raises:
            SamplingError: steps out of range, or unknown spacing.
        """
        return schedule.spaced(
            steps, spacing or self.spacing, self.final, whole=self.whole, skip_lowest=self.skip_lowest
        )

    def evaluations(self, sigmas: Tensor) -> int:
        """How often a run down ``sigmas`` asks the denoiser, counted in a rehearsal with one number for a latent."""
        x = torch.zeros(1)
        questions = self.make(sigmas, x, lambda: x)
        next(questions)
        asked = 1
        with suppress(StopIteration):
            while True:
                questions.send((x, x))
                asked += 1
        return asked

    def run(self, sigmas: Tensor, x: Tensor, noise: Draw, *, eta: float = 0.0) -> Questions:
        """Start sampling from ``x`` at ``sigmas[0]``; ``eta`` (0…1) only where the sampler takes it.

        Raises:
            SamplingError: ``eta`` out of range, or not 0 for a sampler without one.
        """
        if not self.eta:
            if eta != 0:
                raise SamplingError(f"The sampler {self.name!r} takes no eta (got {eta:g}); 'ddim' does.")
            return self.make(sigmas, x, noise)
        if not 0 <= eta <= 1:
            raise SamplingError(f"eta must lie in 0…1, got {eta:g}.")
        return self.make(sigmas, x, noise, eta=eta)


SAMPLERS: Mapping[str, Sampler] = MappingProxyType(
    {
        sampler.name: sampler
        for sampler in (
            Sampler("ddpm", ddpm, spacing="leading", start="vp", whole=True),
            Sampler("ddim", ddim, spacing="leading", start="vp", whole=True, final="min", eta=True),
            Sampler("plms", plms, spacing="leading", start="vp", whole=True, final="min"),
            Sampler("euler", euler),
            Sampler("euler_a", euler_a),
            Sampler("heun", heun),
            Sampler("restart", restart),
            Sampler("lms", lms),
            Sampler("dpm2", dpm2),
            Sampler("dpm2_a", dpm2_a),
            Sampler("dpmpp_2s_a", dpmpp_2s_a),
            Sampler("dpmpp_sde", dpmpp_sde),
            Sampler("dpmpp_2m", dpmpp_2m, start="vp", whole=True, skip_lowest=True),
            Sampler("dpmpp_2m_sde", dpmpp_2m_sde, start="vp", whole=True, skip_lowest=True),
            Sampler("dpmpp_3m_sde", dpmpp_3m_sde, start="vp", whole=True, skip_lowest=True),
            Sampler("unipc", unipc, start="vp", whole=True, skip_lowest=True),
            Sampler("deis", deis, start="vp", whole=True, skip_lowest=True, final="min"),
            Sampler("lcm", lcm, spacing="lcm", start="vp", whole=True),
        )
    }
)


def find_sampler(name: str) -> Sampler:
    """The sampler called ``name``.

    Raises:
        SamplingError: there is none; the message lists near names.
    """
    if name not in SAMPLERS:
        raise unknown("sampler", name, SAMPLERS)
    return SAMPLERS[name]


def start(sampler: Sampler, noise: Tensor, sigma: float, spacing: str | None = None) -> Tensor:
    """The first x at level ``sigma`` from standard normal ``noise`` [B, C, H, W].

    Without signal x has the standard deviation √(1+σ²) of a trained latent at that level (its x0 part counted as
    noise). diffusers' Euler, Heun, LMS and DPM2 schedulers use σ alone, except with leading spacing; "ve" samplers
    follow them.
    """
    if sampler.start == "ve" and (spacing or sampler.spacing) != "leading":
        return noise * float(sigma)
    return noise * (1 + float(sigma) ** 2) ** 0.5
