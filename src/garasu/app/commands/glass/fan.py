"""garasu glass fan: a run, and many tiny changes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from garasu.app.commands.pictures import as_made, recipe_in
from garasu.app.glass_flags import FigureOutput, check_figure, save_figure
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.progress import DECODER, network_calls

if TYPE_CHECKING:
    from garasu.tasks.picture import MadeWith
    from garasu.tasks.sampled import Sampled


def fan(
    run: Path,
    /,
    *,
    count: Annotated[int, Parameter(help="How many changes.")] = 16,
    size: Annotated[float, Parameter(help="Of each, relative to what is changed.")] = 0.01,
    of: Annotated[Literal["noise", "prompt"], Parameter(help="What is changed.")] = "noise",
    seed: Annotated[int, Parameter(help="Of the changes' directions.")] = 0,
    alike: Annotated[
        float | None, Parameter(help="Within how many degrees between CLIP embeddings pictures are one; else 20.")
    ] = None,
    plane: Annotated[Path | None, Parameter(name="--map", help="Also draw the map of its paths, in this PNG.")] = None,
    model: ModelFlags = NONE_GIVEN,
    output: FigureOutput = Path("fan.png"),
) -> int:
    """Make a run again with many tiny changes of its noise or its prompt: do they grow or fade?

    Computes in float32 unless --dtype says otherwise: a small change is lost in half precision.

    Parameters
    ----------
    run
        A folder of --record, or a picture of txt2img, which carries its recipe.
    """
    from tqdm import tqdm

    from garasu.glass.paths.fan import check_fan, fan_paths, opened
    from garasu.glass.paths.fan_figure import fan_figure

    for path in filter(None, (output, plane)):
        check_figure(path)
    recipe, made_with = _recipe(run)
    check_fan(recipe, count=count, size=size, of=of, alike=alike)
    sd = replace(as_made(model, made_with, run), dtype="float32" if model.dtype == "auto" else model.dtype).load()
    made = fan_paths(sd, recipe, count=count, size=size, of=of, seed=seed)
    paths = list(tqdm(made, total=count + 1, unit="path", leave=False))
    with network_calls(sd, DECODER, count + 1):
        found = opened(sd, recipe, paths, size=size, of=of, alike=alike)
    print(found)
    save_figure(fan_figure(found), output)
    if plane is not None:
        from garasu.glass.paths.map import path_map
        from garasu.glass.paths.map_figure import map_figure

        plan = path_map(found.paths, apart=True)
        print(plan)
        with network_calls(sd, DECODER):
            figure = map_figure(sd, plan, f"A fan of {recipe.prompt}", found.groups.tolist(), found.pictures)
        save_figure(figure, plane)
    return 0


def _recipe(run: Path) -> tuple[Sampled, MadeWith]:
    """Of the first picture."""
    from garasu.glass.record.opening import open_record

    if run.is_dir():
        record = open_record(run)
        return record.pictures[0], record.made_with
    return recipe_in(run)
