"""garasu glass latent: the four channels of a run's latent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from garasu.app.glass_flags import EVENLY, FIRST_WALK, FigureOutput, StepFlags, WalkFlags, draw_steps
from garasu.app.model_flags import NONE_GIVEN, ModelFlags


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

    draw_steps(
        lambda sd, walk, chosen: latent_figure(sd, walk, chosen, quantity),
        run,
        output,
        which=which,
        steps=steps,
        model=model,
    )
    return 0
