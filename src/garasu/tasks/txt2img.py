"""txt2img: a prompt becomes a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from garasu.tasks.hires import HiRes, refined
from garasu.tasks.picture import Picture
from garasu.tasks.sampled import settled
from garasu.tasks.walked import pictures, walked

if TYPE_CHECKING:  # so that `garasu txt2img --help` does not wait for torch
    from garasu.diffusion.steps import Step
    from garasu.model import StableDiffusion


class Txt2Img(HiRes):
    """Everything that decides the pictures of one prompt."""

    task: ClassVar[str] = "txt2img"


def txt2img(
    sd: StableDiffusion, recipe: Txt2Img | str | None = None, **fields: Any
) -> Picture[Txt2Img] | list[Picture[Txt2Img]]:
    """Make the picture of a prompt, or a list of pictures if `count` is more than 1.

    Takes a recipe, or a prompt, and any of Txt2Img's fields, which replace the recipe's.
    Raises RecipeError for fields that cannot work, SamplingError for a combination that the sampler cannot do.
    """
    known = Txt2Img.of(recipe, fields)
    return pictures(txt2img_steps(sd, known), known)


def txt2img_steps(sd: StableDiffusion, recipe: Txt2Img) -> Iterator[Step | Picture[Txt2Img]]:
    """The same, to be watched: every step on the way, and each picture as soon as it is finished."""
    yield from txt2img_together(sd, [recipe])


def txt2img_together(sd: StableDiffusion, recipes: Sequence[Txt2Img]) -> Iterator[Step | Picture[Txt2Img]]:
    """The same of several recipes that differ in words and seeds only (see `alike`), in batches."""
    each = [one for recipe in recipes for one in settled(recipe, sd.native_size)]
    yield from walked(sd, each, further=refined if recipes[0].hires_scale > 1 else None)
