"""garasu txt2img: pictures from a prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from tqdm import tqdm

from garasu.app.memory import keep_freed_memory
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.progress import pictures_of
from garasu.app.recipe_flags import recipe_command
from garasu.images.metadata import check_png_name
from garasu.images.saving import whole_file
from garasu.images.sheet import sheet
from garasu.tasks.picture import Picture
from garasu.tasks.txt2img import Txt2Img, txt2img_steps


@recipe_command(Txt2Img)
def txt2img(
    recipe: Txt2Img,
    *,
    model: ModelFlags = NONE_GIVEN,
    output: Annotated[
        Path | None,
        Parameter(
            name=["--output", "-o"],
            help="The PNG to write, else garasu-SEED.png. Several pictures are numbered: cat-1.png, cat-2.png.",
        ),
    ] = None,
    grid: Annotated[bool, Parameter(help="Also write all pictures on one sheet, cat-grid.png.", negative="")] = False,
) -> int:
    """Make pictures from a prompt.

    Each picture carries its recipe: see garasu show, garasu redo.
    """
    check_png_name(_named(output, recipe.seed, _number(1, recipe.count)))
    keep_freed_memory()
    sd = model.load()
    pictures: list[Picture[Txt2Img]] = []
    for picture in pictures_of(txt2img_steps(sd, recipe), recipe.count):
        pictures.append(picture)
        path = _named(output, picture.recipe.seed, _number(len(pictures), recipe.count))
        picture.save(path)
        tqdm.write(str(path))  # above the progress bar
    if grid:
        print(_save_sheet(pictures, _named(output, pictures[0].recipe.seed, "grid")))
    return 0


def _number(index: int, count: int) -> str:
    """1, 2, 3 of 9; 01, 02, 03 of 10; nothing of 1."""
    return str(index).zfill(len(str(count))) if count > 1 else ""


def _named(output: Path | None, seed: int | None, suffix: str) -> Path:
    """cat.png, cat-1.png, cat-grid.png; without an output every picture is called after its seed."""
    if output is None:
        return Path(f"garasu-{seed}-grid.png" if suffix == "grid" else f"garasu-{seed}.png")
    return output.with_stem(f"{output.stem}-{suffix}") if suffix else output


def _save_sheet(pictures: list[Picture[Txt2Img]], path: Path) -> Path:
    labels = [f"seed {picture.recipe.seed}" for picture in pictures]
    with whole_file(path) as beside:
        sheet([picture.image for picture in pictures], labels).save(beside, format="PNG")
    return path
