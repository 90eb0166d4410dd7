"""garasu glass compare: recorded runs, and where they part."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from garasu.app.commands.pictures import as_made
from garasu.app.glass_flags import FigureOutput, check_figure, save_figure
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.progress import DECODER, network_calls


def compare(
    *runs: Path,
    picture: Annotated[int, Parameter(help="Which of several pictures in each record, from 1.")] = 1,
    words: Annotated[
        bool,
        Parameter(help="Also walk the first run again with each word, or the noise, of the second.", negative=""),
    ] = False,
    model: ModelFlags = NONE_GIVEN,
    output: FigureOutput = Path("compare.png"),
) -> int:
    """Compare recorded runs with the first of them: how far apart at every step, and where they part.

    Parameters
    ----------
    runs
        Folders of --record, two or more.
    """
    from tqdm import tqdm

    from garasu.glass.paths.compare import compare as compared
    from garasu.glass.paths.compare_figure import compare_figure
    from garasu.glass.paths.errors import PathError
    from garasu.glass.paths.swaps import sorted_swaps, swap_each
    from garasu.glass.record.opening import open_record

    check_figure(output)
    records = [open_record(run) for run in runs]
    comparison = compared(records, picture - 1)
    print(comparison)
    if words and len(records) > 2:
        raise PathError("--words exchanges the words of two runs: give two")
    sd = as_made(model, records[0].made_with, runs[0]).load()
    found = None
    if words:
        found = sorted_swaps(tqdm(swap_each(sd, records[0], records[1], picture - 1), unit="run", leave=False))
        print(found)
    with network_calls(sd, DECODER):
        figure = compare_figure(sd, comparison, found)
    save_figure(figure, output)
    return 0
