"""As AUTOMATIC1111's web UI, 1.9 and later: two families of samplers, which count a strength in two ways."""

from typing import ClassVar

import torch
from torch import Tensor

from garasu.diffusion.canvas import Blend, Canvas, least
from garasu.diffusion.clock import ByQuestion, Clock
from garasu.diffusion.errors import SamplingError
from garasu.diffusion.noise import Source
from garasu.diffusion.profiles.profile import Profile, Walk, checked_steps, without_penultimate
from garasu.diffusion.samplers.table import Sampler
from garasu.diffusion.schedule import Schedule
from garasu.diffusion.spacing import CURVES, TIMESTEPS

BY_TIMESTEP = ("ddim", "plms")
AUTOMATIC = {  # k-diffusion's samplers that are as ours, with the spacing that "Automatic" gives them
    "euler": "linspace",
    "euler_a": "linspace",
    "heun": "linspace",
    "lms": "linspace",
    "dpm2": "karras",
    "dpm2_a": "karras",
    "dpmpp_2s_a": "karras",
    "dpmpp_sde": "karras",
    "dpmpp_2m": "karras",
    "dpmpp_2m_sde": "exponential",
    "dpmpp_3m_sde": "exponential",
}
DISCARD = ("dpm2", "dpm2_a", "dpmpp_3m_sde")  # always leave out the level before the last
SPACINGS = ("leading", "linspace", "sgm_uniform", "simple", "karras", "exponential")
TWICE = ("heun", "dpm2", "dpm2_a", "dpmpp_2s_a", "dpmpp_sde")  # ask the denoiser twice in a step
MOST = 0.999  # a greater strength counts as this


class A1111(Profile):
    """The web UI's DDIM and PLMS walk timesteps and stop at the lowest; k-diffusion's samplers walk σ to 0."""

    name = "a1111"
    title = "A1111"
    noise: ClassVar[Source] = "nv"
    rounding = "down"
    keeps_nine = True
    counts_on = True

    def check(self, sampler: str, spacing: str | None, *, discard: bool = False, picture: bool = False) -> None:
        """Of its samplers those that are as ours; DDIM and PLMS have a grid of their own."""
        if sampler in BY_TIMESTEP:
            if spacing not in (None, "leading"):
                raise SamplingError(f"A1111's {sampler} has a grid of its own, not {spacing!r}: leave spacing out.")
        elif sampler not in AUTOMATIC:
            known = ", ".join((*BY_TIMESTEP, *AUTOMATIC))
            raise SamplingError(f"There is no {sampler!r} as A1111 has it: take one of {known}.")
        elif spacing not in (None, *SPACINGS):
            raise SamplingError(f"A1111 has no spacing {spacing!r}: take one of {', '.join(SPACINGS)}.")

    def levels(self, kind: Sampler, schedule: Schedule, steps: int, spacing: str | None, discard: bool) -> Tensor:
        """By timestep: every (N // steps)-th from 1 on, the lowest to end at, one step short. Else from σ_max to 0."""
        checked_steps(steps, len(schedule) - 1)
        if kind.name in BY_TIMESTEP:
            return _timestep_levels(schedule, steps, steps + discard)
        discard = discard or kind.name in DISCARD
        sigmas = _sigmas(schedule, steps + discard, spacing or AUTOMATIC[kind.name])
        return without_penultimate(sigmas) if discard else sigmas

    def counted(self, strength: float, steps: int) -> int:
        """int(min(strength, 0.999)·steps)."""
        return int(min(strength, MOST) * steps)

    def part(self, sigmas: Tensor, steps: int, strength: float, kind: Sampler) -> Walk:
        """By timestep as CompVis but for the last step; else one level more than the strength counts."""
        count = self.counted(strength, steps)
        if kind.name not in BY_TIMESTEP:
            walked = sigmas[steps - count - 1 :]
            return Walk(walked, float(walked[0]))
        if count < 2:
            enough = f"{least(2, steps)} or more, or more steps" if steps > 2 else "3 steps or more"  # 1 counts as MOST
            raise SamplingError(
                f"A strength of {strength:g} leaves none of {steps} steps, since A1111's {kind.name} skips the last; "
                f"take {enough}."
            )
        return Walk(sigmas[len(sigmas) - count :], float(sigmas[len(sigmas) - count - 1]))

    def blend(self, sampler: str) -> Blend:
        """By timestep the denoiser is shown the clean picture; else its answer is replaced by it."""
        return "clean" if sampler in BY_TIMESTEP else "x0"

    def first(self, kind: Sampler, noise: Tensor, walk: Walk, canvas: Canvas | None, spacing: str | None) -> Tensor:
        """Noise, of unit variance by timestep and else σ times as strong; or the picture under it, at any strength."""
        top = float(walk.sigmas[0])
        if canvas is not None:
            return canvas.under(noise, walk.noised, top)
        return noise * ((1 + top**2) ** 0.5 if kind.name in BY_TIMESTEP else top)

    def told(self, kind: Sampler, steps: int) -> int:
        """Questions to the denoiser: two for each step of a sampler that asks twice, though its last may ask once."""
        return 2 * steps if kind.name in TWICE else steps

    def clock(self, kind: Sampler, steps: int, sigmas: Tensor) -> Clock:
        """By questions, of which a strength takes none away: a part of a run may end before a late change."""
        return ByQuestion(self.told(kind, steps))

    def second_pass(self, steps: int, strength: float) -> tuple[int, float]:
        """Exactly ``steps`` of a finer grid are run, so that no strength makes it shorter."""
        finer = int(steps / min(strength, MOST))
        return finer, (steps - 0.5) / finer  # counted: steps − 1


def _timestep_levels(schedule: Schedule, steps: int, laid_out: int) -> Tensor:
    length = len(schedule)
    timesteps = (torch.arange(0, length, length // laid_out) + 1).clamp(max=length - 1)
    if len(timesteps) < 2:
        raise SamplingError(
            f"A1111's samplers by timestep run one step less than they are told: take more than {steps}."
        )
    return schedule.sigmas[timesteps].flip(0)


def _sigmas(schedule: Schedule, steps: int, spacing: str) -> Tensor:
    """k-diffusion's levels and 0: between trained timesteps log σ is interpolated, not σ."""
    length = len(schedule)
    if spacing in CURVES:
        top, bottom = float(schedule.sigmas[-1]), float(schedule.sigmas[0])
        levels = CURVES[spacing](steps, top, bottom).clamp(bottom, top)  # rounding must not end below σ_min
    elif spacing == "leading":
        levels = schedule.sigmas[1 :: max(length // steps, 1)].flip(0)
    else:
        levels = schedule.sigma(TIMESTEPS[spacing](steps, length))
    return torch.cat([levels, torch.zeros(1, dtype=torch.float64)])
