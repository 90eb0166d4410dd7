"""garasu glass steps: how many steps are enough."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from PIL import Image

from garasu.app.commands.pictures import as_made, recipe_in
from garasu.app.glass_flags import FigureOutput, check_figure, numbers, save_figure
from garasu.app.model_flags import NONE_GIVEN, ModelFlags

if TYPE_CHECKING:
    from garasu.tasks.picture import MadeWith
    from garasu.tasks.sampled import Sampled


def steps(
    source: Path,
    /,
    *,
    output: FigureOutput = Path("steps.png"),
    steps: Annotated[str, Parameter(help="In how many steps: with commas, from 1 to 1000.")] = "1,2,3,5,10,25,50,100",
    sampler: Annotated[
        tuple[str, ...], Parameter(help="By which sampler; several, each with its --sampler.", negative="")
    ] = ("ddim",),
    picture: Annotated[int, Parameter(help="Of a record of several pictures this one, from 1.")] = 1,
    model: ModelFlags = NONE_GIVEN,
) -> int:
    """Make a picture in few steps and in many, and show how far apart they are, and in what time.

    Distances are to the picture of the most steps, of the same sampler.

    Parameters
    ----------
    source
        A folder of --record, or a picture that carries its recipe.
    """
    from garasu.glass.steps import measure_steps
    from garasu.glass.steps_figure import steps_figure

    check_figure(output)
    counts = numbers(steps, "--steps")
    recipe, made_with, pictures = _known(source, picture)
    for name in sampler:  # refused before a model is loaded
        for count in counts:
            recipe.but(sampler=name, steps=count)
    sd = as_made(model, made_with, source).load()
    points = []
    for point in measure_steps(sd, recipe, counts, sampler, pictures):
        points.append(point)
        print(point)
    title = f"{recipe.prompt} · guidance {recipe.guidance_scale:g}, seed {recipe.seed}"
    save_figure(steps_figure(points, title), output)
    return 0


def _known(source: Path, picture: int) -> tuple[Sampled, MadeWith, Mapping[str, Image.Image]]:
    """The recipe of one picture, what it was made with, and the pictures that it starts from, if a record has them."""
    from garasu.glass.picture_walk import picture_walk
    from garasu.glass.record.opening import open_record

    if source.is_file():
        return *recipe_in(source), {}
    record = open_record(source)
    return picture_walk(record, picture - 1).recipe, record.made_with, record.sources
