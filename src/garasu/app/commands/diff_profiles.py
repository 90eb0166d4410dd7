"""garasu diff-profiles TASK: what a recipe means in diffusers, CompVis and A1111."""

from __future__ import annotations

from collections.abc import Callable

from garasu.app.recipe_flags import recipe_command
from garasu.tasks.differences import differences
from garasu.tasks.img2img import FromPicture
from garasu.tasks.sampled import Sampled
from garasu.tasks.source import given
from garasu.tasks.table import TASKS


def _command(task: str) -> Callable[..., int]:
    @recipe_command(TASKS[task].recipe)
    def diff_profiles(recipe: Sampled) -> int:
        """Print what differs between the profiles of --like for a recipe, without running a model.

        On Stable Diffusion's noise levels, which the bundled model has too. What the profiles refuse is said below.
        """
        if isinstance(recipe, FromPicture):
            given(None, recipe.image)  # so that what is shown can also be made
        print("\n".join(differences(recipe).lines()))
        return 0

    diff_profiles.__name__ = task
    return diff_profiles


txt2img = _command("txt2img")
img2img = _command("img2img")
inpaint = _command("inpaint")
outpaint = _command("outpaint")
upscale = _command("upscale")
