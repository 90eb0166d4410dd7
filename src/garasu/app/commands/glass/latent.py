"""garasu glass latent: the four channels of a run's latent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from garasu.app.commands.pictures import as_made
from garasu.app.glass_flags import EVENLY, FIRST_WALK, FigureOutput, StepFlags, WalkFlags, check_figure, save_figure
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.progress import DECODER, network_calls


def latent(
    run: Path,
    /,
    *,
    output: FigureOutput = Path("latent.png"),
    quantity: Annotated[
        Literal["latent", "x0", "eps"], Parameter(help="Whose channels: the latent x, or the x0 or ε found in it.")
    ] = "latent",
    steps: StepFlags = EVENLY,
    which: WalkFlags = FIRST_WALK,
    model: ModelFlags = NONE_GIVEN,
) -> int:
    """Show the four channels of the latent step by step, and what the VAE makes of each.

    Parameters
    ----------
    run
        A folder of --record.
    """
    from garasu.glass.latent import latent_figure
    from garasu.glass.record.opening import open_record

    check_figure(output)
    record = open_record(run)
    walk = which.of(record)
    chosen = steps.of(walk, 8)
    sd = as_made(model, record.made_with, run).load()
    with network_calls(sd, DECODER):
        figure = latent_figure(sd, walk, chosen, quantity)
    save_figure(figure, output)
    return 0
