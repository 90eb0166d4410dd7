"""garasu glass attention: where each word was looked at from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from garasu.app.commands.pictures import as_made
from garasu.app.commands.replay import index_of
from garasu.app.glass_flags import FigureOutput, check_figure, numbers, save_figure
from garasu.app.model_flags import NONE_GIVEN, ModelFlags


def attention(
    folder: Path,
    /,
    *,
    word: Annotated[
        tuple[str, ...],
        Parameter(help="A word of the prompt, or several in a row; give it several times.", negative=""),
    ] = (),
    steps: Annotated[str | None, Parameter(help="Which steps, from 0: 0,5,10.")] = None,
    layers: Annotated[str, Parameter(help="The layers to average: up, daam, all, or a pattern of their names.")] = "up",
    side: Annotated[str, Parameter(help='prompt, negative, or a part: "prompt part 1".')] = "prompt",
    picture: Annotated[int, Parameter(help="Which of several pictures, from 1.")] = 1,
    model: ModelFlags = NONE_GIVEN,
    output: FigureOutput = Path("attention.png"),
) -> int:
    """Show where in the picture each word of a recorded run was looked at from, and how much.

    As overlays, by step, by layer and, with a record of heads, by head; what each word gets of all
    attention, step by step; and how much the maps of two words have in common.
    """
    from garasu.glass.attention import attention_report
    from garasu.glass.attention_figure import attention_figure
    from garasu.glass.picture_walk import picture_walk
    from garasu.glass.record.opening import open_record

    check_figure(output)
    step = () if steps is None else numbers(steps, "--steps")
    record = open_record(folder)
    one = picture_walk(record, index_of(picture, len(record.pictures)))
    report = attention_report(one.walk, word, side=side, layers=layers, steps=step, picture=one.row)
    sd = as_made(model, record.made_with, folder).load()
    (shown,) = sd.decode_each(one.finished)
    page = attention_figure(
        report, shown, record.recipe.negative_prompt if side == "negative" else record.recipe.prompt
    )
    save_figure(page, output)
    return 0
