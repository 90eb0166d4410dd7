"""As CompVis's txt2img.py and img2img.py: DDIM and PLMS on whole strides, and a picture noised one level too high."""

from typing import ClassVar

import torch
from torch import Tensor

from garasu.diffusion.canvas import Blend, Canvas, least
from garasu.diffusion.errors import SamplingError
from garasu.diffusion.noise import Source
from garasu.diffusion.profiles.profile import Profile, Walk, checked_steps
from garasu.diffusion.samplers.table import Sampler, start
from garasu.diffusion.schedule import Schedule

SAMPLERS = ("ddim", "plms")


class CompVis(Profile):
    """The scripts of the first Stable Diffusion."""

    name = "compvis"
    title = "CompVis"
    noise: ClassVar[Source] = "nv"
    rounding = "down"

    def check(self, sampler: str, spacing: str | None, *, discard: bool = False, picture: bool = False) -> None:
        """It has DDIM and PLMS, of which PLMS from noise alone, on one grid."""
        if sampler not in SAMPLERS:
            raise SamplingError(
                f"CompVis has the samplers {' and '.join(SAMPLERS)}, not {sampler!r}: take one of them."
            )
        if picture and sampler == "plms":
            raise SamplingError("CompVis starts from a picture with the sampler ddim only, not with plms: take ddim.")
        if spacing not in (None, "leading"):
            raise SamplingError(f"CompVis has the spacing leading alone, not {spacing!r}: leave spacing out.")
        if discard:
            raise SamplingError("CompVis leaves out no level: drop discard_penultimate, or take the profile a1111.")

    def levels(self, kind: Sampler, schedule: Schedule, steps: int, spacing: str | None, discard: bool) -> Tensor:
        """Every (N // steps)-th timestep from 1 on, all there are, which may be more than ``steps``; ends at σ_min."""
        length = len(schedule)
        timesteps = torch.arange(0, length, length // checked_steps(steps, length)) + 1
        if not _fits(steps, length):
            near = next((more for more in range(steps, length // 2) if _fits(more, length)), length // 2)
            raise SamplingError(
                f"With {steps} steps CompVis asks for timestep {length}, which nobody trained, and fails: take {near}."
            )
        return torch.cat([schedule.sigmas[timesteps].flip(0), schedule.sigmas[:1]])

    def counted(self, strength: float, steps: int) -> int:
        """int(strength·steps)."""
        count = int(strength * steps)
        if not count:
            more = least(1, steps)
            raise SamplingError(f"A strength of {strength:g} leaves none of {steps} steps; take {more} or more.")
        return count

    def part(self, sigmas: Tensor, steps: int, strength: float, kind: Sampler) -> Walk:
        """The last so many levels, but the picture is noised to the level above them."""
        most = len(sigmas) - 1
        if most < 2:
            raise SamplingError("CompVis noises a picture to the level above the first step: take 2 steps or more.")
        count = self.counted(strength, steps)
        if count >= most:
            raise SamplingError(
                f"CompVis noises a picture to the level above the first step, and at strength {strength:g} "
                f"there is none: take less than {most / steps:g}."
            )
        return Walk(sigmas[most - count :], float(sigmas[most - count - 1]))

    def blend(self, sampler: str) -> Blend:
        """The picture under noise drawn anew for each step."""
        return "fresh"

    def first(self, kind: Sampler, noise: Tensor, walk: Walk, canvas: Canvas | None, spacing: str | None) -> Tensor:
        """Noise, or the picture under it."""
        top = float(walk.sigmas[0])
        return start(kind, noise, top) if canvas is None else canvas.under(noise, walk.noised, top)


def _fits(steps: int, length: int) -> bool:
    """Whether the last timestep, 1 after a multiple of the stride, is a trained one."""
    return (length - 1) % (length // steps) > 0
