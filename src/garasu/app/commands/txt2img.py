"""garasu txt2img: pictures from a prompt."""

from __future__ import annotations

from garasu.app.live import NO_PREVIEW, PreviewFlags
from garasu.app.making import Grid, Output, make
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.recipe_flags import recipe_command
from garasu.app.record_flags import NOT_RECORDED, RecordFlags
from garasu.tasks.txt2img import Txt2Img, txt2img_steps


@recipe_command(Txt2Img)
def txt2img(
    recipe: Txt2Img,
    *,
    model: ModelFlags = NONE_GIVEN,
    record: RecordFlags = NOT_RECORDED,
    output: Output = None,
    grid: Grid = False,
    preview: PreviewFlags = NO_PREVIEW,
) -> int:
    """Make pictures from a prompt.

    Each picture carries its recipe: see garasu show, garasu redo.
    """
    make(lambda sd: txt2img_steps(sd, recipe), recipe, model, output, grid, record=record, preview=preview)
    return 0
