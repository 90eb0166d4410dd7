"""garasu show and garasu redo: what a picture says about itself, and whether that is true."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter
from PIL import Image

from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.progress import pictures_of
from garasu.images.metadata import Metadata, MetadataError, check_png_name, read_metadata
from garasu.images.reading import read_picture
from garasu.images.video import ENDINGS
from garasu.tasks.film import read_film
from garasu.tasks.picture import MadeWith
from garasu.tasks.sampled import Sampled
from garasu.tasks.table import TASKS, Task

DIFFERENT = 1  # as diff and cmp


def show(
    picture: Path,
    *,
    as_json: Annotated[bool, Parameter(name="--json", help="As one JSON object.", negative="")] = False,
) -> int:
    """Print the recipe that a picture or a film carries.

    For a picture of another tool, its A1111 text, as it stands.
    """
    film = picture.suffix.lower() in ENDINGS
    metadata = Metadata(read_film(picture)) if film else read_metadata(picture)
    if metadata.ours is None and metadata.parameters is None:
        raise MetadataError(f"{picture} carries no recipe, neither garasu's nor A1111's")
    if as_json:
        print(json.dumps({"garasu": metadata.ours, "parameters": metadata.parameters}, ensure_ascii=False, indent=2))
    elif metadata.ours is not None:
        print(_listed(metadata.ours))
    else:
        print(metadata.parameters)
    return 0


def redo(
    picture: Path,
    *,
    model: ModelFlags = NONE_GIVEN,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="Keep the new picture in this PNG.")] = None,
) -> int:
    """Make a picture again from its recipe, and compare.

    Says whether every pixel is the same, and if not, by how much they differ and what was not the
    same this time. The exit code is 0 for identical pictures, 1 for different ones.
    """
    old = read_picture(picture)
    recipe, made_with = recipe_in(picture)
    if output is not None:
        check_png_name(output)
    sd = as_made(model, made_with, picture).load()
    new = next(pictures_of(TASKS[recipe.task].steps(sd, recipe), 1))
    if output is not None:
        new.save(output)
    print(compare(old, new.image))
    for change in changes(made_with, new.made_with):
        print(change)
    return 0 if old.tobytes() == new.image.tobytes() else DIFFERENT


def compare(old: Image.Image, new: Image.Image) -> str:
    """Whether two RGB pictures are the same, and if not, by how much: one line."""
    if old.size != new.size:
        return f"different: {old.width}x{old.height} before, {new.width}x{new.height} now"
    difference = np.abs(np.asarray(old).astype(int) - np.asarray(new).astype(int))  # [H, W, 3]
    if not difference.any():
        return f"identical: all {old.width}x{old.height} pixels"
    changed = difference.any(axis=2).mean()
    return (
        f"different: at most {difference.max()} of 255 levels, {difference.mean():.3g} on average, "
        f"in {changed:.1%} of the pixels"
    )


def recipe_in(picture: Path) -> tuple[Sampled, MadeWith]:
    """The recipe that a picture carries, with the paths of the pictures that it starts from, and what it ran on.

    Raises MetadataError for a picture without one that can be made again, FileNotFoundError if what it starts from is
    not there.
    """
    record = _record(picture)
    recipe, made_with = _parts(TASKS[record["task"]], record, picture)
    return _with_sources(recipe, picture), made_with


def _listed(record: Mapping[str, Any]) -> str:
    replayed = {"replayed": record["replayed"]} if "replayed" in record else {}
    recipe = record.get("recipe", {})
    fields = {
        **recipe,
        **recipe.get("recipe", {}),
        **record.get("made_with", {}),
        **_safety(record.get("safety")),
        **replayed,
    }
    fields.pop("recipe", None)  # what all pictures of a film have in common: listed like the rest
    width = max(map(len, fields), default=0)
    said = {name: "" if value is None else value for name, value in fields.items()}
    return "\n".join(f"{name.ljust(width)}  {value}".rstrip() for name, value in said.items())


def _safety(said: Mapping[str, Any] | None) -> dict[str, str]:
    """What the safety checker found, in a word; --json has every cosine."""
    if said is None:
        return {}
    highest = max(score for _, _, score in [*said["special_care"], *said["concepts"]])
    return {"safety_flagged": f"{said['flagged']}, highest score {highest:+.3f}"}


def _record(picture: Path) -> Mapping[str, Any]:
    record = read_metadata(picture).ours
    if record is None:
        raise MetadataError(f"{picture} carries no garasu recipe, so it cannot be made again")
    if "replayed" in record:
        raise MetadataError(f"{picture} was changed {record['replayed']}: make it again with garasu replay")
    if record.get("task") not in TASKS:
        raise MetadataError(f"{picture}: this version of garasu knows no task {record.get('task')!r}")
    return record


def _parts(task: Task, record: Mapping[str, Any], picture: Path) -> tuple[Sampled, MadeWith]:
    try:
        return task.recipe(**record["recipe"]), MadeWith(**record["made_with"])
    except (KeyError, TypeError, ValueError) as problem:
        raise MetadataError(f"{picture}: the recipe in it is damaged: {problem}") from problem


def _with_sources(recipe: Sampled, picture: Path) -> Sampled:
    """The recipe with the paths of the pictures that it starts from: it knows their names, but not their folder."""
    names = {name: getattr(recipe, name) for name in ("image", "mask") if name in type(recipe).model_fields}
    if "image" in names and not names["image"]:
        raise MetadataError(f"{picture} was made from a picture in memory, so it cannot be made again")
    return recipe.but(**{field: _beside(name, picture) for field, name in names.items() if name})


def _beside(name: str, picture: Path) -> str:
    for folder in (Path(), picture.parent):
        if (folder / name).is_file():
            return str(folder / name)
    raise FileNotFoundError(
        f"{picture} was made from {name}, which is neither in this folder nor beside it: put it there"
    )


def as_made(given: ModelFlags, made_with: MadeWith, picture: Path) -> ModelFlags:
    """The flags given, completed by what the picture, or a record, says it was made with."""
    return replace(
        given,
        model=given.model or _found(made_with.model, "model", picture),
        vae=given.vae or _found(made_with.vae, "vae", picture),
        dtype=made_with.dtype if given.dtype == "auto" else given.dtype,
    )


def _found(name: str, what: str, picture: Path) -> str | None:
    """Where the model or the VAE is: a picture knows a file's name, but not its folder."""
    if name in ("", "bundled"):
        return None
    if "/" in name or name.startswith("bundled:"):  # a hub id, or a VAE of ours
        return name
    for folder in (Path(), picture.parent):
        if (folder / name).exists():
            return str(folder / name)
    raise FileNotFoundError(f"{picture} was made with {name}, which is not in this folder: say --{what} PATH")


def changes(before: MadeWith, now: MadeWith) -> list[str]:
    """What was not the same: a line for each."""
    pairs = [(name, getattr(before, name), getattr(now, name)) for name in MadeWith.model_fields]
    return [f"{name}: {old} before, {new} now" for name, old, new in pairs if old != new]
