"""upscale: a picture is enlarged, and what it then lacks in detail is painted by img2img at a low strength."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from PIL import Image
from pydantic import Field

from garasu.tasks.img2img import FromPicture, encoded, sized, with_source
from garasu.tasks.picture import Picture
from garasu.tasks.sampled import settled
from garasu.tasks.source import Given, given
from garasu.tasks.walked import pictures, walked

if TYPE_CHECKING:  # so that `garasu upscale --help` does not wait for torch
    from torch import Tensor

    from garasu.diffusion.steps import Step
    from garasu.model import StableDiffusion


class Upscale(FromPicture):
    """Everything that decides the larger pictures of a picture."""

    task: ClassVar[str] = "upscale"

    strength: float = Field(0.3, gt=0, le=1, description="How much of the enlarged picture is noised away.")
    scale: float = Field(2.0, gt=1, le=8, description="How many times as wide and high; or give width and height.")
    upscaler: Literal["pixel", "latent"] = Field("pixel", description="Whether pixels or latents are enlarged.")


def upscale(
    sd: StableDiffusion, image: Given | None = None, recipe: Upscale | str | None = None, **fields: Any
) -> Picture[Upscale] | list[Picture[Upscale]]:
    """Make a picture larger, or a list of pictures if `count` is more than 1.

    Takes a picture (or its file; else the recipe names one), a recipe or a prompt, and any of Upscale's fields. The
    VAE works in tiles on what is larger than 1024×1024 pixels; the U-Net sees the whole. Raises as img2img.
    """
    known = Upscale.of(recipe, fields)
    return pictures(upscale_steps(sd, known, image), known)


def upscale_steps(
    sd: StableDiffusion, recipe: Upscale, image: Given | None = None
) -> Iterator[Step | Picture[Upscale]]:  # fmt: skip
    """The same, to be watched: every step on the way, and each picture as soon as it is finished."""
    from garasu.diffusion.canvas import Canvas
    from garasu.images.fitting import nearest_size

    source = given(image, recipe.image).image
    recipe = with_source(recipe, source, image)
    wanted = round(source.width * recipe.scale), round(source.height * recipe.scale)
    each = settled(recipe, nearest_size(wanted, sd.vae.config.factor))
    yield from walked(sd, each, canvas=lambda batch: Canvas(enlarged_picture(sd, source, batch), recipe.strength))


def enlarged_picture(sd: StableDiffusion, source: Image.Image, batch: Sequence[Upscale]) -> Tensor:
    """The latent of the picture at the size of settled recipes, [1 or B, 4, h, w]."""
    from torch.nn import functional as F

    from garasu.images.fitting import fit, nearest_size

    size, factor = sized(batch[0]), sd.vae.config.factor
    if batch[0].upscaler == "pixel":
        return encoded(sd, fit(source, size, "stretch").image, batch)
    small = encoded(sd, fit(source, nearest_size(source.size, factor), "stretch").image, batch)
    return F.interpolate(small, (size[1] // factor, size[0] // factor), mode="bilinear")
