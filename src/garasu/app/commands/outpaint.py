"""garasu outpaint: a picture goes on beyond its borders."""

from __future__ import annotations

from garasu.app.live import NO_PREVIEW, PreviewFlags
from garasu.app.making import Grid, Output, make
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.recipe_flags import recipe_command
from garasu.app.record_flags import NOT_RECORDED, RecordFlags
from garasu.tasks.outpaint import Outpaint, outpaint_steps
from garasu.tasks.source import given


@recipe_command(Outpaint)
def outpaint(
    recipe: Outpaint,
    *,
    model: ModelFlags = NONE_GIVEN,
    record: RecordFlags = NOT_RECORDED,
    output: Output = None,
    grid: Grid = False,
    preview: PreviewFlags = NO_PREVIEW,
) -> int:
    """Let a picture go on beyond its borders; every pixel of it stays what it was.

    Ask for several with --count 4 --grid and choose. Large pictures grow window by window.
    """
    given(None, recipe.image)  # what cannot be read is refused before a model is loaded
    make(lambda sd: outpaint_steps(sd, recipe), recipe, model, output, grid, record=record, preview=preview)
    return 0
