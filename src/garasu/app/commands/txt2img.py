"""garasu txt2img: pictures from a prompt."""

from __future__ import annotations

from garasu.app.making import AS_USUAL, MakeFlags, make
from garasu.app.recipe_flags import recipe_command
from garasu.tasks.txt2img import Txt2Img, txt2img_steps


@recipe_command(Txt2Img)
def txt2img(
    recipe: Txt2Img,
    *,
    how: MakeFlags = AS_USUAL,
) -> int:
    """Make pictures from a prompt.

    Each picture carries its recipe: see garasu show, garasu redo.
    """
    make(lambda sd: txt2img_steps(sd, recipe), recipe, how)
    return 0
