"""garasu upscale: a picture made larger."""

from __future__ import annotations

from garasu.app.making import AS_USUAL, MakeFlags, make_from_picture
from garasu.app.recipe_flags import recipe_command
from garasu.tasks.upscale import Upscale, upscale_steps


@recipe_command(Upscale)
def upscale(
    recipe: Upscale,
    *,
    how: MakeFlags = AS_USUAL,
) -> int:
    """Make a picture larger, and paint what it then lacks in detail.

    Prints what the strength really means. Each picture carries its recipe: see garasu show, garasu redo.
    """
    make_from_picture(upscale_steps, recipe, how)
    return 0
