"""garasu outpaint: a picture goes on beyond its borders."""

from __future__ import annotations

from garasu.app.making import AS_USUAL, MakeFlags, make
from garasu.app.recipe_flags import recipe_command
from garasu.tasks.outpaint import Outpaint, outpaint_steps
from garasu.tasks.source import given


@recipe_command(Outpaint)
def outpaint(
    recipe: Outpaint,
    *,
    how: MakeFlags = AS_USUAL,
) -> int:
    """Let a picture go on beyond its borders; every pixel of it stays what it was.

    Ask for several with --count 4 --grid and choose. Large pictures grow window by window.
    """
    given(None, recipe.image)  # what cannot be read is refused before a model is loaded
    make(lambda sd: outpaint_steps(sd, recipe), recipe, how)
    return 0
