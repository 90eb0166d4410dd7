"""garasu glass strip: a run as a film strip."""

from __future__ import annotations

from pathlib import Path

from garasu.app.glass_flags import EVENLY, FIRST_WALK, FigureOutput, StepFlags, WalkFlags, draw_steps
from garasu.app.model_flags import NONE_GIVEN, ModelFlags


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
    from garasu.glass.strip import strip_figure

    draw_steps(strip_figure, run, output, which=which, steps=steps, model=model, decoded=3)
    return 0
