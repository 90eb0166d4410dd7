"""garasu glass page: a record as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from garasu.app.commands.pictures import as_made
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.progress import DECODER, network_calls
from garasu.app.text_files import write_text
from garasu.images.saving import check_writable


def page(
    run: Path,
    other: Path | None = None,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="The HTML file to write.")] = Path("page.html"),
    every: Annotated[int, Parameter(help="Show every so many steps.")] = 1,
    limit: Annotated[float, Parameter(help="In MB: show less detail rather than write a larger page.")] = 10.0,
    decode: Annotated[
        str,
        Parameter(
            help="Which pictures the VAE makes, others being linear previews: auto (of each step up to 256x256), "
            "always, finished."
        ),
    ] = "auto",
    model: ModelFlags = NONE_GIVEN,
) -> int:
    """Write one HTML page to look through a recorded run, or two side by side: steps, words, places, curves.

    It needs no network and no other file.
    """
    from tqdm import tqdm

    from garasu.glass.page import record_page
    from garasu.glass.record.opening import open_record

    check_writable(output)
    record, second = open_record(run), None if other is None else open_record(other)
    sd = as_made(model, record.made_with, run).load()
    same = second is None or second.made_with.model_copy(update=_ALIKE) == record.made_with.model_copy(update=_ALIKE)
    other_sd = None if same or second is None or other is None else as_made(model, second.made_with, other).load()
    with network_calls(sd, DECODER):
        text = record_page(
            sd,
            record,
            second,
            other_sd=other_sd,
            every=every,
            limit=limit,
            decode=decode,  # type: ignore[arg-type]  # checked there, with a sentence
            say=lambda size: tqdm.write(f"{output}: {size}"),
        )
    write_text(text, output)
    return 0


_ALIKE = {"device": "", "garasu": "", "torch": ""}
