"""garasu glass map: the ways of recorded runs on a plane."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from garasu.app.commands.pictures import as_made
from garasu.app.glass_flags import FigureOutput, check_figure, save_figure
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.progress import DECODER, network_calls


def draw_map(
    *runs: Path,
    what: Annotated[Literal["x0", "latent"], Parameter(help="x0, what the network believes, or the latents.")] = "x0",
    apart: Annotated[
        bool, Parameter(help="Take the mean path away: only what tells the runs apart is left.", negative="")
    ] = False,
    model: ModelFlags = NONE_GIVEN,
    output: FigureOutput = Path("map.png"),
) -> int:
    """Draw the ways of recorded runs on the plane in which they spread most, with the pictures at their ends.

    Parameters
    ----------
    runs
        Folders of --record; of each, all its pictures.
    """
    from garasu.glass.paths.map import path_map
    from garasu.glass.paths.map_figure import map_figure
    from garasu.glass.paths.path import paths_of
    from garasu.glass.record.opening import open_record

    check_figure(output)
    records = [open_record(run) for run in runs]
    made = path_map([path for record in records for path in paths_of(record)], what, apart=apart)
    print(made)
    sd = as_made(model, records[0].made_with, runs[0]).load()
    with network_calls(sd, DECODER):
        figure = map_figure(sd, made)
    save_figure(figure, output)
    return 0
