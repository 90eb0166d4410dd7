"""garasu img2img: pictures from a picture and a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tqdm import tqdm

from garasu.app.making import Grid, Output, make
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.recipe_flags import recipe_command
from garasu.tasks.img2img import Img2Img, img2img_steps, meaning
from garasu.tasks.picture import Picture
from garasu.tasks.source import given

if TYPE_CHECKING:
    from garasu.diffusion.steps import Step
    from garasu.model import StableDiffusion


@recipe_command(Img2Img)
def img2img(
    recipe: Img2Img,
    *,
    model: ModelFlags = NONE_GIVEN,
    output: Output = None,
    grid: Grid = False,
) -> int:
    """Make pictures from a picture and a prompt.

    Prints what the strength really means. Each picture carries its recipe: see garasu show, garasu redo.
    """
    given(None, recipe.image)  # what cannot be read is refused before a model is loaded

    def steps(sd: StableDiffusion) -> Iterator[Step | Picture[Img2Img]]:
        tqdm.write(meaning(sd, recipe))
        return img2img_steps(sd, recipe)

    make(steps, recipe, model, output, grid)
    return 0
