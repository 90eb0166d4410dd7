"""txt2img: a prompt becomes a picture."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from garasu.tasks.picture import MadeWith, Picture
from garasu.tasks.recipe import Sampled, SamplerName, SpacingName

if TYPE_CHECKING:  # so that `garasu txt2img --help` does not wait for torch
    from garasu.diffusion.steps import Step
    from garasu.model import StableDiffusion

_LATENT_PIXELS_AT_ONCE = 2 * 64 * 64  # two 512×512 pictures; more at once need memory and are hardly faster
_MOST_AT_ONCE = 16


class Txt2Img(Sampled):
    """Everything that decides the pictures of one prompt."""

    task: ClassVar[str] = "txt2img"

    prompt: str = Field(description="What the picture shows.")
    negative_prompt: str = Field("", description="What it should not show.")
    steps: int = Field(25, ge=1, le=1000, description="Steps from noise to picture.")
    guidance_scale: float = Field(
        7.5, allow_inf_nan=False, description="How strictly the prompt is followed; 1 is without guidance."
    )
    sampler: SamplerName = Field("ddim", description="How to walk from noise to picture.")
    seed: int | None = Field(
        None, ge=0, le=2**63 - 1, description="Which noise to start from; chosen at random when not given."
    )
    count: int = Field(1, ge=1, description="How many pictures, of the seeds seed, seed+1, and so on.")
    width: int | None = Field(None, ge=8, multiple_of=8, description="In pixels; the model's own when not given.")
    height: int | None = Field(None, ge=8, multiple_of=8, description="In pixels; the model's own when not given.")
    spacing: SpacingName | None = Field(
        None, description="How the noise levels of the steps are spaced; the sampler's own when not given."
    )
    eta: float = Field(0.0, ge=0, le=1, description="Fresh noise in each DDIM step: 0 none, 1 as much as DDPM.")
    clip_skip: int = Field(1, ge=1, le=12, description="Which layer from the end reads the prompt; 1 is the last.")


def txt2img(
    sd: StableDiffusion, recipe: Txt2Img | str | None = None, **fields: Any
) -> Picture[Txt2Img] | list[Picture[Txt2Img]]:
    """Make the picture of a prompt, or a list of pictures if `count` is more than 1.

    Takes a recipe, or a prompt, and any of Txt2Img's fields, which replace the recipe's.
    Raises RecipeError for fields that cannot work, SamplingError for a combination that the sampler cannot do.
    """
    recipe = _recipe(recipe, fields)
    pictures = [made for made in txt2img_steps(sd, recipe) if isinstance(made, Picture)]
    return pictures[0] if recipe.count == 1 else pictures


def txt2img_steps(sd: StableDiffusion, recipe: Txt2Img) -> Iterator[Step | Picture[Txt2Img]]:
    """The same, to be watched: every step on the way, and each picture as soon as it is finished."""
    recipe = _settled(sd, recipe)
    words = sd.encode(recipe.prompt, clip_skip=recipe.clip_skip)
    negative = sd.encode(recipe.negative_prompt, clip_skip=recipe.clip_skip)
    knobs = recipe.model_dump(include={"sampler", "steps", "guidance_scale", "width", "height", "eta", "spacing"})
    for seeds in _batches(recipe):
        for step in sd.sample(words, negative=negative, seed=seeds, **knobs):
            yield step
        for seed, image in zip(seeds, sd.decode_each(step.latent), strict=True):
            yield Picture(image, recipe.but(seed=seed, count=1), MadeWith.of(sd))


def _recipe(recipe: Txt2Img | str | None, fields: dict[str, Any]) -> Txt2Img:
    if isinstance(recipe, Txt2Img):
        return recipe.but(**fields)
    return Txt2Img(**fields) if recipe is None else Txt2Img(prompt=recipe, **fields)


def _settled(sd: StableDiffusion, recipe: Txt2Img) -> Txt2Img:
    """The recipe with a seed and a size: what the pictures will say of themselves."""
    width, height = sd.native_size
    return recipe.but(
        seed=random.randrange(2**32) if recipe.seed is None else recipe.seed,
        width=recipe.width or width,
        height=recipe.height or height,
    )


def _batches(recipe: Txt2Img) -> Iterator[list[int]]:
    """The seeds, as many at once as the picture's size allows."""
    assert recipe.seed is not None and recipe.width is not None and recipe.height is not None
    rows = _LATENT_PIXELS_AT_ONCE * 64 // (recipe.width * recipe.height)
    rows = max(1, min(rows, _MOST_AT_ONCE))
    seeds = range(recipe.seed, recipe.seed + recipe.count)
    for first in range(0, recipe.count, rows):
        yield list(seeds[first : first + rows])
