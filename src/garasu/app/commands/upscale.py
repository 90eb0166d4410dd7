"""garasu upscale: a picture made larger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tqdm import tqdm

from garasu.app.making import Grid, Output, make
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.recipe_flags import recipe_command
from garasu.tasks.img2img import meaning
from garasu.tasks.picture import Picture
from garasu.tasks.source import given
from garasu.tasks.upscale import Upscale, upscale_steps

if TYPE_CHECKING:
    from garasu.diffusion.steps import Step
    from garasu.model import StableDiffusion


@recipe_command(Upscale)
def upscale(
    recipe: Upscale,
    *,
    model: ModelFlags = NONE_GIVEN,
    output: Output = None,
    grid: Grid = False,
) -> int:
    """Make a picture larger, and paint what it then lacks in detail.

    Prints what the strength really means. Each picture carries its recipe: see garasu show, garasu redo.
    """
    given(None, recipe.image)  # what cannot be read is refused before a model is loaded

    def steps(sd: StableDiffusion) -> Iterator[Step | Picture[Upscale]]:
        tqdm.write(meaning(sd, recipe))
        return upscale_steps(sd, recipe)

    make(steps, recipe, model, output, grid)
    return 0
