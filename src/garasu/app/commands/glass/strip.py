"""garasu glass strip: a run as a film strip."""

from __future__ import annotations

from pathlib import Path

from garasu.app.commands.pictures import as_made
from garasu.app.glass_flags import EVENLY, FIRST_WALK, FigureOutput, StepFlags, WalkFlags, check_figure, save_figure
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.progress import DECODER, network_calls


def strip(
    run: Path,
    /,
    *,
    output: FigureOutput = Path("strip.png"),
    steps: StepFlags = EVENLY,
    which: WalkFlags = FIRST_WALK,
    model: ModelFlags = NONE_GIVEN,
) -> int:
    """Show x, x0 and ε step by step, as the VAE decodes them: noise becoming a picture.

    x is divided by √(1 + σ²), which brings it to the scale that the VAE knows.

    Parameters
    ----------
    run
        A folder of --record.
    """
    from garasu.glass.record.opening import open_record
    from garasu.glass.strip import strip_figure

    check_figure(output)
    record = open_record(run)
    walk = which.of(record)
    chosen = steps.of(walk, 8)
    sd = as_made(model, record.made_with, run).load()
    with network_calls(sd, DECODER, 3 * len(chosen) + 1):
        figure = strip_figure(sd, walk, chosen)
    save_figure(figure, output)
    return 0
