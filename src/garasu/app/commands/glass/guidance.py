"""garasu glass guidance: what the prompt adds at every step, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from garasu.app.commands.pictures import as_made
from garasu.app.commands.replay import index_of
from garasu.app.glass_flags import FigureOutput, check_figure, numbers, save_figure
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.progress import DECODER, network_calls


def guidance(
    folder: Path,
    /,
    *,
    steps: Annotated[str | None, Parameter(help="Which steps, from 0: 0,5,10.")] = None,
    side: Annotated[str, Parameter(help='prompt, or one of its parts: "prompt part 1".')] = "prompt",
    picture: Annotated[int, Parameter(help="Which of several pictures, from 1.")] = 1,
    model: ModelFlags = NONE_GIVEN,
    output: FigureOutput = Path("guidance.png"),
) -> int:
    """Show what guidance did in a recorded run: how much and in which direction at each step, and where.

    And the clean picture believed at some steps, with guidance and by the prompt alone.
    """
    from garasu.glass.guidance import guidance_report
    from garasu.glass.guidance_figure import guidance_figure
    from garasu.glass.picture_walk import picture_walk
    from garasu.glass.record.opening import open_record

    check_figure(output)
    step = () if steps is None else numbers(steps, "--steps")
    record = open_record(folder)
    shown = picture_walk(record, index_of(picture, len(record.pictures)))
    report = guidance_report(shown.walk, side=side, picture=shown.row)
    for one in step:
        report.at(one)  # before a model is loaded
    sd = as_made(model, record.made_with, folder).load()
    with network_calls(sd, DECODER):
        page = guidance_figure(sd, report, step, record.recipe.prompt)
    save_figure(page, output)
    return 0
