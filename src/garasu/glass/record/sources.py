"""The pictures that a recorded run starts from: kept in the record, so that it can be walked again anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from PIL import Image

from garasu.diffusion.steps import Step
from garasu.model import StableDiffusion
from garasu.tasks.img2img import FromPicture
from garasu.tasks.inpaint import Inpaint, inpaint_steps
from garasu.tasks.picture import Picture
from garasu.tasks.sampled import Sampled
from garasu.tasks.source import Given, given
from garasu.tasks.table import TASKS


def sources_of(recipe: Sampled, image: Given | None = None, mask: Given | None = None) -> dict[str, Image.Image]:
    """The pictures that a recipe starts from, those handed over or those that it names, as the tasks read them.

    Raises:
        RecipeError: one is missing.
        FileNotFoundError, PictureError: its file is not there, or cannot be read.
    """
    found = {}
    if isinstance(recipe, FromPicture):
        found["image"] = given(image, recipe.image).original
    if isinstance(recipe, Inpaint):
        found["mask"] = given(mask, recipe.mask, "mask").original
    return found


def steps_from(
    sd: StableDiffusion, recipe: Sampled, image: Given | None = None, mask: Given | None = None
) -> Iterator[Step | Picture[Any]]:
    """The steps and pictures of a recipe of any task."""
    if isinstance(recipe, Inpaint):
        return inpaint_steps(sd, recipe, image, mask)
    steps: Any = TASKS[recipe.task].steps
    made: Iterator[Step | Picture[Any]] = (
        steps(sd, recipe, image) if isinstance(recipe, FromPicture) else steps(sd, recipe)
    )
    return made
