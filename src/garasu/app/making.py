"""What every command does that makes pictures of a recipe: names, files, a progress bar, a sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from tqdm import tqdm

from garasu.app.live import NO_PREVIEW, PreviewFlags
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.progress import Count, pictures_of
from garasu.app.record_flags import NOT_RECORDED, RecordFlags
from garasu.images.metadata import check_png_name
from garasu.images.saving import whole_file
from garasu.images.sheet import sheet
from garasu.tasks.folder import numbered
from garasu.tasks.img2img import AnyFromPicture, meaning
from garasu.tasks.kept import Kept
from garasu.tasks.picture import Picture
from garasu.tasks.sampled import Sampled
from garasu.tasks.source import given

if TYPE_CHECKING:
    from garasu.diffusion.steps import Step
    from garasu.glass.film_frames import Finished
    from garasu.model import StableDiffusion

Output = Annotated[
    Path | None,
    Parameter(
        name=["--output", "-o"],
        help="The PNG to write, else garasu-SEED.png. Several pictures are numbered: cat-1.png, cat-2.png.",
    ),
]
Grid = Annotated[bool, Parameter(help="Also write all pictures on one sheet, cat-grid.png.", negative="")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MakeFlags:
    """By which model pictures are made, what of the run is kept and shown, and where they go."""

    model: ModelFlags = NONE_GIVEN
    record: RecordFlags = NOT_RECORDED
    output: Output = None
    grid: Grid = False
    preview: PreviewFlags = NO_PREVIEW


AS_USUAL = MakeFlags()


def make(
    steps: Callable[[StableDiffusion], Iterator[Step | Picture[Any]]], recipe: Sampled, how: MakeFlags
) -> list[Picture[Any]]:
    """Load the model, make the recipe's pictures by ``steps`` and write them; what was written is printed.

    Each picture's others are written beside it, cat-decoded.png. Raises before any work for a name that cannot be
    written to, or a record that cannot be made.
    """
    how.record.check()
    check_png_name(_named(how.output, recipe, _number(1, recipe.count)))
    how.preview.check(recipe)
    sd = how.model.load()
    live = how.preview.live(sd)
    made = how.record.kept(sd, recipe, steps(sd))
    made = made if live is None else live.watched(made)
    pictures: list[Picture[Any]] = []
    for picture in pictures_of(made, recipe.count):
        pictures.append(picture)
        path = _named(how.output, picture.recipe, _number(len(pictures), recipe.count))
        picture.save(path)
        tqdm.write(str(path))  # above the progress bar
        if picture.safety is not None:
            tqdm.write(f"safety: {picture.safety if recipe.safety else picture.safety.summary}")
        for name, other in picture.others.items():
            beside = path.with_stem(f"{path.stem}-{name}")
            with whole_file(beside) as part:
                other.save(part, format="PNG")
            tqdm.write(str(beside))
    if how.grid:
        print(_save_sheet(pictures, _named(how.output, pictures[0].recipe, "grid")))
    return pictures


def _number(index: int, count: int) -> str:
    """1, 2, 3 of 9; 01, 02, 03 of 10; nothing of 1."""
    return numbered(index, count) if count > 1 else ""


def make_from_picture(
    steps: Callable[[StableDiffusion, AnyFromPicture], Iterator[Step | Picture[Any]]],
    recipe: AnyFromPicture,
    how: MakeFlags,
) -> list[Picture[Any]]:
    """As `make`, of a recipe with a picture: what its strength really means is printed first.

    A picture that cannot be read is refused before a model is loaded.
    """
    given(None, recipe.image)

    def told(sd: StableDiffusion) -> Iterator[Step | Picture[Any]]:
        tqdm.write(meaning(sd, recipe))
        return steps(sd, recipe)

    return make(told, recipe, how)


def make_kept(kept: Kept, load: Callable[[], StableDiffusion], finished: Finished | None = None) -> None:
    """Load the model and make the pictures that are missing, with a progress bar; ``finished`` keeps their latents."""
    if missing := kept.missing():
        with Count(len(kept.recipes), len(kept.recipes) - len(missing)) as count:
            made = kept.run(load())
            count.run(made if finished is None else finished.watched(kept, made))


def _named(output: Path | None, recipe: Sampled, suffix: str) -> Path:
    """cat.png, cat-1.png, cat-grid.png; without an output every picture is called after its seeds."""
    if output is None:
        varies = f"-{recipe.variation_seed}" if recipe.variation_strength else ""
        return Path(f"garasu-{recipe.seed}{varies}{'-grid' if suffix == 'grid' else ''}.png")
    return output.with_stem(f"{output.stem}-{suffix}") if suffix else output


def _save_sheet(pictures: list[Picture[Any]], path: Path) -> Path:
    labels = [_label(picture.recipe) for picture in pictures]
    with whole_file(path) as beside:
        sheet([picture.image for picture in pictures], labels).save(beside, format="PNG")
    return path


def _label(recipe: Sampled) -> str:
    """What tells the pictures of one run apart."""
    if recipe.variation_strength:
        return f"variation seed {recipe.variation_seed}"
    return f"seed {recipe.seed}"
