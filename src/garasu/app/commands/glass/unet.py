"""garasu glass unet: the feature maps down and up the ladder, and pictures without some of its parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from garasu.app.commands.pictures import as_made
from garasu.app.commands.replay import index_of
from garasu.app.glass_flags import FigureOutput, check_figure, numbers, save_figure
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.progress import UNET, network_calls, pictures_of

if TYPE_CHECKING:
    from PIL import Image

    from garasu.glass.record.opening import Record
    from garasu.model import StableDiffusion


def unet(
    folder: Path,
    /,
    *,
    steps: Annotated[str | None, Parameter(help="Which steps, from 0: 0,5,10.")] = None,
    side: Annotated[str, Parameter(help='prompt, negative, or a part: "prompt part 1".')] = "prompt",
    without: Annotated[
        tuple[str, ...],
        Parameter(help="Also the picture without a skip or block: skip.1, unet.middle; several times.", negative=""),
    ] = (),
    picture: Annotated[int, Parameter(help="Which of several pictures, from 1.")] = 1,
    model: ModelFlags = NONE_GIVEN,
    output: FigureOutput = Path("unet.png"),
) -> int:
    """Show the feature maps down and up the U-Net of a recorded run, and what each skip carries across.

    The run is walked again for that. With --without it is walked once more, a part of the U-Net
    switched off (commas switch off several at once), and the picture shown.
    """
    from garasu.glass.record.opening import open_record
    from garasu.glass.unet import check_watched, unet_report
    from garasu.glass.unet_figure import unet_figure

    check_figure(output)
    step = () if steps is None else numbers(steps, "--steps")
    record = open_record(folder)
    index = index_of(picture, len(record.pictures))
    check_watched(record, step, index)
    sd = as_made(model, record.made_with, folder).load()
    pictures = _pictures(sd, record, index, without) if without else {}
    with network_calls(sd, UNET):
        report = unet_report(sd, record, step, side=side, picture=index)
    page = unet_figure(report, pictures, record.recipe.prompt)
    save_figure(page, output)
    return 0


def _pictures(sd: StableDiffusion, record: Record, picture: int, parts: tuple[str, ...]) -> dict[str, Image.Image]:
    """The picture of the run and of each run without some parts, by what to write above."""
    import numpy as np

    from garasu.glass.record.replaying import replay_steps
    from garasu.glass.without import check_parts
    from garasu.glass.without import without as switched_off

    for names in parts:
        check_parts(sd, names.split(","))

    def made() -> Image.Image:
        return next(pictures_of(replay_steps(sd, record, picture=picture), 1)).image

    whole = made()
    shown = {"the run": whole}
    for names in parts:
        with switched_off(sd, names.split(",")):
            other = made()
        difference = np.asarray(other, dtype=float) - np.asarray(whole, dtype=float)
        far = np.sqrt(np.square(difference).mean()) / 255
        shown[f"without {names} ({far:.1%} off)"] = other
        print(f"without {names}: the picture differs by {far:.1%} (root mean square, of black to white)")
    return shown
