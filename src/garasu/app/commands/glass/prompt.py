"""garasu glass prompt: what a recorded run was told, token by token."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from garasu.app.commands.pictures import as_made
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.text_files import write_text
from garasu.images.saving import check_writable


def prompt(
    folder: Path,
    /,
    *,
    negative: Annotated[bool, Parameter(help="The negative prompt instead.", negative="")] = False,
    words: Annotated[
        int, Parameter(help="Among how many words of the vocabulary to look for the nearest; 0 for none.")
    ] = 2000,
    model: ModelFlags = NONE_GIVEN,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="An HTML page to look at it, which needs nothing else.")
    ] = None,
) -> int:
    """Show what the prompt of a recorded run was to its model, as `garasu prompt` does, and whether that is so.

    The last line says whether the vectors are those that the record has.
    """
    from garasu.glass.conditioning import compared, conditioning_report
    from garasu.glass.prompt.page import page
    from garasu.glass.record.opening import open_record

    if output is not None:
        check_writable(output)
    record = open_record(folder)
    sd = as_made(model, record.made_with, folder).load()
    report = conditioning_report(sd, record, negative=negative, words=words)
    print(report.text())
    print(compared(record, report))
    if output is not None:
        write_text(page(report), output)
    return 0
