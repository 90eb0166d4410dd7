"""garasu glass vae: a picture through the VAE and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from PIL import Image

from garasu.app.commands.pictures import as_made
from garasu.app.glass_flags import FIRST_WALK, FigureOutput, WalkFlags, check_figure, save_figure
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.images.reading import read_picture

if TYPE_CHECKING:
    from torch import Tensor


def vae(
    source: Path,
    /,
    *,
    output: FigureOutput = Path("vae.png"),
    against: Annotated[
        tuple[str, ...],
        Parameter(help="Another VAE to compare with, as --vae; several, each with its --against.", negative=""),
    ] = (),
    times: Annotated[
        float | None, Parameter(help="How many times the difference is shown; chosen by its size when not given.")
    ] = None,
    which: WalkFlags = FIRST_WALK,
    model: ModelFlags = NONE_GIVEN,
) -> int:
    """Send a picture through the VAE and back, and show what is lost, coarse and fine.

    Parameters
    ----------
    source
        A picture file, or a folder of --record, whose finished picture is taken.
    """
    from garasu.glass.round_trip import round_trip
    from garasu.glass.round_trip_figure import round_trip_figure

    check_figure(output)
    if times is not None and not times > 0:
        raise ValueError(f"--times must be above 0, not {times:g}")
    picture, first = _opened(source, which, model)
    trips = []
    for flags in (first, *(replace(first, vae=name) for name in against)):
        sd = flags.load()
        trips.append(round_trip(sd, picture if isinstance(picture, Image.Image) else sd.decode_each(picture)[0]))
        picture = trips[0].original
        print(f"{trips[-1].name}: {trips[-1].psnr:.2f} dB")
    save_figure(round_trip_figure(trips, times, sd.vae.config.factor), output)
    return 0


def _opened(source: Path, which: WalkFlags, model: ModelFlags) -> tuple[Image.Image | Tensor, ModelFlags]:
    """The picture, or the finished latent of one, and the flags of its model."""
    if not source.is_dir():
        return read_picture(source), model
    from garasu.glass.record.opening import open_record

    record = open_record(source)
    return which.of(record).finished, as_made(model, record.made_with, source)
