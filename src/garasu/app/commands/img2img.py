"""garasu img2img: pictures from a picture and a prompt."""

from __future__ import annotations

from garasu.app.making import AS_USUAL, MakeFlags, make_from_picture
from garasu.app.recipe_flags import recipe_command
from garasu.tasks.img2img import Img2Img, img2img_steps


@recipe_command(Img2Img)
def img2img(
    recipe: Img2Img,
    *,
    how: MakeFlags = AS_USUAL,
) -> int:
    """Make pictures from a picture and a prompt.

    Prints what the strength really means. Each picture carries its recipe: see garasu show, garasu redo.
    """
    make_from_picture(img2img_steps, recipe, how)
    return 0
