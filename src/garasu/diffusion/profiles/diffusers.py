"""As diffusers: exactly as many levels as steps, and a picture begins where the first step is."""

from typing import ClassVar

from torch import Tensor

from garasu.diffusion.canvas import Blend, Canvas, steps_left
from garasu.diffusion.noise import Source
from garasu.diffusion.profiles.profile import Profile, Walk, without_penultimate
from garasu.diffusion.samplers.table import Sampler, start
from garasu.diffusion.schedule import Schedule


class Diffusers(Profile):
    """Hugging Face's diffusers: garasu's own numbers."""

    name = "diffusers"
    title = "diffusers"
    noise: ClassVar[Source] = "cpu"
    rounding = "nearest"

    def check(self, sampler: str, spacing: str | None, *, discard: bool = False, picture: bool = False) -> None:
        """It has everything, as garasu has it."""

    def levels(self, kind: Sampler, schedule: Schedule, steps: int, spacing: str | None, discard: bool) -> Tensor:
        """The sampler's own, see ``Sampler.sigmas``."""
        if discard:
            return without_penultimate(kind.sigmas(schedule, steps + 1, spacing))
        return kind.sigmas(schedule, steps, spacing)

    def counted(self, strength: float, steps: int) -> int:
        """int(strength·steps), at most all."""
        return steps_left(strength, steps)

    def part(self, sigmas: Tensor, steps: int, strength: float, kind: Sampler) -> Walk:
        """The last of the steps; the picture is noised to the first of them."""
        walked = sigmas[steps - self.counted(strength, steps) :]
        return Walk(walked, float(walked[0]))

    def blend(self, sampler: str) -> Blend:
        """The picture under the run's own noise, at the level that comes next."""
        return "latent"

    def first(self, kind: Sampler, noise: Tensor, walk: Walk, canvas: Canvas | None, spacing: str | None) -> Tensor:
        """From a masked picture at full strength too, noise alone."""
        top = float(walk.sigmas[0])
        x = None if canvas is None else canvas.begin(noise, top)
        return start(kind, noise, top, spacing) if x is None else x
