"""garasu sweep TASK: one recipe over many values of its fields."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from tqdm import tqdm

from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.recipe_flags import recipe_command
from garasu.tasks.sampled import Sampled
from garasu.tasks.sweep import Point, Sweep, columns_for, points, read_vary, settled_seed
from garasu.tasks.table import TASKS


def _command(task: str) -> Callable[..., int]:
    @recipe_command(TASKS[task].recipe)
    def sweep(
        recipe: Sampled,
        *,
        vary: Annotated[
            tuple[str, ...],
            Parameter(
                help="FIELD=A,B,C or FIELD=FROM:TO:STEP, or prompt:WORD=A,B,C to replace a word; several combine.",
                negative="",
            ),
        ],
        output: Annotated[
            Path, Parameter(name=["--output", "-o"], help="Folder for the pictures; name it again to go on.")
        ],
        model: ModelFlags = NONE_GIVEN,
    ) -> int:
        """Make one picture for every combination of values, and a sheet of all.

        Settings that come to the same are computed once. An interrupted sweep goes on where it was.
        """
        known = settled_seed(recipe, output)
        varied = [read_vary(one, type(known)) for one in vary]
        found = Sweep(output, TASKS[task], points(known, varied), columns_for(varied))
        what = {"model": model.model, "vae": model.vae, "task": task, "recipe": known.model_dump(), "vary": list(vary)}
        found.begin(what)
        _run(found, model)
        print(output / "grid.png")
        return 0

    sweep.__name__ = task
    return sweep


def _run(sweep: Sweep, model: ModelFlags) -> None:
    sd = model.load()
    once = sum(one.same_as is None for one in sweep.points)
    with tqdm(total=once, initial=once - len(sweep.missing()), unit="picture", desc="sweep") as bar:
        for made in sweep.run(sd):
            if isinstance(made, Point):
                bar.set_postfix_str(made.label)
                bar.update()
    print(f"{len(sweep.points)} pictures, {once} of them different")


txt2img = _command("txt2img")
img2img = _command("img2img")
inpaint = _command("inpaint")
outpaint = _command("outpaint")
upscale = _command("upscale")
