"""garasu upscale: a picture made larger."""

from __future__ import annotations

from garasu.app.live import NO_PREVIEW, PreviewFlags
from garasu.app.making import Grid, Output, make_from_picture
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.recipe_flags import recipe_command
from garasu.app.record_flags import NOT_RECORDED, RecordFlags
from garasu.tasks.upscale import Upscale, upscale_steps


@recipe_command(Upscale)
def upscale(
    recipe: Upscale,
    *,
    model: ModelFlags = NONE_GIVEN,
    record: RecordFlags = NOT_RECORDED,
    output: Output = None,
    grid: Grid = False,
    preview: PreviewFlags = NO_PREVIEW,
) -> int:
    """Make a picture larger, and paint what it then lacks in detail.

    Prints what the strength really means. Each picture carries its recipe: see garasu show, garasu redo.
    """
    make_from_picture(upscale_steps, recipe, model, output, grid, record=record, preview=preview)
    return 0
