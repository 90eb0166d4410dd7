"""garasu glass noise: a run's noise against the schedule."""

from __future__ import annotations

from pathlib import Path

from garasu.app.glass_flags import EVENLY, FIRST_WALK, FigureOutput, StepFlags, WalkFlags, check_figure, save_figure


def noise(
    run: Path, /, *, output: FigureOutput = Path("noise.png"), steps: StepFlags = EVENLY, which: WalkFlags = FIRST_WALK
) -> int:  # fmt: skip
    """Show where the latents on the way are what the noise schedule says, and where they are not.

    That is their spectrum and the distribution of their values, against those of the finished latent
    with noise of each step's level.

    Parameters
    ----------
    run
        A folder of --record.
    """
    from garasu.glass.noise_figure import noise_figure
    from garasu.glass.record.opening import open_record

    check_figure(output)
    walk = which.of(open_record(run))
    save_figure(noise_figure(walk, steps.of(walk, 5)), output)
    return 0
