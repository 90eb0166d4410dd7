"""What is done about a model's safety checker: nothing, its scores kept, or a flagged picture blanked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeVar

from PIL import Image

from garasu.tasks.picture import Picture
from garasu.tasks.recipe import Recipe
from garasu.tasks.refusal import RecipeError

if TYPE_CHECKING:  # so that `garasu txt2img --help` does not wait for torch
    from garasu.model import StableDiffusion

Safety = Literal["off", "report", "blank"]
AnyRecipe = TypeVar("AnyRecipe", bound=Recipe)


def effective_safety(sd: StableDiffusion, asked: Safety | None) -> Safety:
    """What a recipe's `safety` comes to with a model: by default its scores are reported if it has a checker.

    Raises:
        RecipeError: scores or blanks were asked for, and the model has no checker.
    """
    if sd.safety_checker is not None:
        return asked or "report"
    if asked in ("report", "blank"):
        raise RecipeError(
            f"safety {asked} needs a safety checker, and the model {sd.name} carries none: "
            "load a diffusers folder that has safety_checker/, or say safety off"
        )
    return "off"


def checked(sd: StableDiffusion, picture: Picture[AnyRecipe], asked: Safety | None) -> Picture[AnyRecipe]:
    """A finished picture with its report; black, and so are its others, if it is flagged and blanks are asked for.

    Raises:
        RecipeError: as `effective_safety`.
    """
    safety = effective_safety(sd, asked)
    if safety == "off":
        return picture
    (report,) = sd.check_safety([picture.image])
    if safety == "report" or not report.flagged:
        return replace(picture, safety=report)
    others = {name: _black(other) for name, other in picture.others.items()}
    return replace(picture, safety=report, image=_black(picture.image), others=others)


def _black(picture: Image.Image) -> Image.Image:
    return Image.new("RGB", picture.size)
