"""garasu inpaint: a masked part of a picture, painted anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from tqdm import tqdm

from garasu.app.making import AS_USUAL, MakeFlags, make
from garasu.app.recipe_flags import recipe_command
from garasu.images.saving import whole_file
from garasu.tasks.img2img import meaning
from garasu.tasks.inpaint import Inpaint, explain, inpaint_steps, mask_for
from garasu.tasks.picture import Picture
from garasu.tasks.source import given

if TYPE_CHECKING:
    from garasu.diffusion.steps import Step
    from garasu.model import StableDiffusion


@recipe_command(Inpaint)
def inpaint(
    recipe: Inpaint,
    *,
    how: MakeFlags = AS_USUAL,
    explained: Annotated[
        bool,
        Parameter(name="--explain", help="Also write why the kept part would change, cat-explain.png.", negative=""),
    ] = False,
) -> int:
    """Paint the masked part of a picture anew; every pixel outside the mask stays what it was.

    Also writes what the VAE made of the whole picture, cat-decoded.png, and prints how visible the
    border is.
    """
    from garasu.images.masks import check_mask
    from garasu.images.seam import seam

    source, mask = given(None, recipe.image), mask_for(recipe, None).mask
    check_mask(mask, source.image.size)  # what cannot be painted is refused before a model is loaded

    def steps(sd: StableDiffusion) -> Iterator[Step | Picture[Inpaint]]:
        tqdm.write(meaning(sd, recipe))
        if explained:
            output = how.output
            why = Path("garasu-explain.png") if output is None else output.with_stem(f"{output.stem}-explain")
            with whole_file(why) as beside:
                explain(sd, recipe).save(beside, format="PNG")
        return inpaint_steps(sd, recipe)

    for picture in make(steps, recipe, how):
        if not mask.all():
            print(f"seed {picture.recipe.seed}: the border is {seam(picture.image, mask):.2f} (1 is not to be seen)")
    return 0
