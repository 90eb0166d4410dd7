"""img2img: a picture and a prompt become a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from PIL import Image
from pydantic import Field

from garasu.tasks.picture import Picture
from garasu.tasks.sampled import Sampled, profile_of, settled
from garasu.tasks.source import Given, check, given, public_name
from garasu.tasks.walked import pictures, walked

if TYPE_CHECKING:  # so that `garasu img2img --help` does not wait for torch
    from torch import Tensor

    from garasu.diffusion.profiles.profile import Walk
    from garasu.diffusion.schedule import Schedule
    from garasu.diffusion.steps import Step
    from garasu.model import StableDiffusion

_OTHER_STREAM = 0x9E3779B9  # the seed alone gives the run its noise, and the posterior must not draw the same
LARGEST = 2.25  # times the area that the model was trained for: beyond, pictures repeat themselves, and cost


class FromPicture(Sampled):
    """What all tasks share that start from a picture."""

    image: str = Field("", description="The picture to start from.", json_schema_extra={"positional": True})
    image_hash: str = Field("", description="Of its pixels.", json_schema_extra={"readOnly": True})
    strength: float = Field(
        0.75, gt=0, le=1, description="How much of it is noised away: the share of the steps that are run."
    )
    encoding: Literal["mean", "sample"] = Field(
        "mean", description="What is taken of the VAE's answer: its mean, or a draw from it with the seed."
    )

    def from_picture(self) -> bool:
        """Always."""
        return True

    def effective(self) -> dict[str, Any]:
        """What decides the picture; of the strength only how many steps it leaves."""
        return super().effective() | {"strength": profile_of(self).counted(self.strength, self.steps)}


class Img2Img(FromPicture):
    """Everything that decides the pictures made from a picture and a prompt."""

    task: ClassVar[str] = "img2img"

    resize: Literal["stretch", "crop", "pad"] = Field(
        "crop", description="How it is brought to width and height, if they are given."
    )


AnyFromPicture = TypeVar("AnyFromPicture", bound=FromPicture)


def img2img(
    sd: StableDiffusion, image: Given | None = None, recipe: Img2Img | str | None = None, **fields: Any
) -> Picture[Img2Img] | list[Picture[Img2Img]]:
    """Make a picture from a picture and a prompt, or a list of them if `count` is more than 1 (SDEdit, 2108.01073).

    Takes a picture (or its file; else the recipe names one), a recipe or a prompt, and any of Img2Img's fields,
    which replace the recipe's. The picture may have any mode and size: see garasu.images.reading.
    Raises RecipeError for fields that cannot work, PictureError or FileNotFoundError for a file that cannot be read,
    SamplingError for a strength that leaves no step.
    """
    known = Img2Img.of(recipe, fields)
    return pictures(img2img_steps(sd, known, image), known)


def img2img_steps(
    sd: StableDiffusion, recipe: Img2Img, image: Given | None = None
) -> Iterator[Step | Picture[Img2Img]]:  # fmt: skip
    """The same, to be watched: every step on the way, and each picture as soon as it is finished."""
    from garasu.diffusion.canvas import Canvas
    from garasu.images.fitting import fit

    source = given(image, recipe.image).image
    recipe = with_source(recipe, source, image)
    each = settled(recipe, painted_size(sd, source.size))
    fitted = fit(source, sized(each[0]), recipe.resize).image
    yield from walked(sd, each, canvas=lambda batch: Canvas(encoded(sd, fitted, batch), recipe.strength))


def with_source(recipe: AnyFromPicture, source: Image.Image, image: Given | None) -> AnyFromPicture:
    """The recipe, naming and knowing its picture. Raises RecipeError if it knows another."""
    return recipe.but(
        image=public_name(image, recipe.image), image_hash=check(source, recipe.image_hash, recipe.image)
    )  # fmt: skip


def painted_size(sd: StableDiffusion, size: tuple[int, int]) -> tuple[int, int]:
    """The size that a picture is painted at when none is asked for: its own, unless that is far too large."""
    from garasu.images.fitting import nearest_size

    width, height = sd.native_size
    return nearest_size(size, sd.vae.config.factor, area=round(LARGEST * width * height))


def sized(recipe: Sampled) -> tuple[int, int]:
    """Width and height of a settled recipe."""
    assert recipe.width is not None and recipe.height is not None
    return recipe.width, recipe.height


def encoded(sd: StableDiffusion, picture: Image.Image, batch: Sequence[FromPicture]) -> Tensor:
    """The picture's latent, one for all, or a draw of the VAE's posterior for each seed: [1 or B, 4, h, w]."""
    import torch

    if batch[0].encoding == "mean":
        return sd.encode_image(picture)
    seeds = [one.seed ^ _OTHER_STREAM for one in batch if one.seed is not None]
    return torch.cat([sd.encode_image(picture, seed=seed) for seed in seeds])


def walk_of(schedule: Schedule, recipe: Sampled) -> Walk:
    """The noise levels that a recipe walks, from noise or from its picture, and how far the picture is noised."""
    from garasu.diffusion.samplers import find_sampler

    return profile_of(recipe).walk(
        find_sampler(recipe.sampler),
        schedule,
        recipe.steps,
        recipe.spacing,
        recipe.strength if isinstance(recipe, FromPicture) else None,
        discard=recipe.discard_penultimate,
    )


def meaning(sd: StableDiffusion, recipe: FromPicture) -> str:
    """What a strength really does, in words: steps run, the first noise level and its timestep."""
    walk = walk_of(sd.schedule, recipe)
    level = f"σ {walk.noised:.3g}, timestep {float(sd.schedule.t(walk.noised)):.0f}"
    return f"strength {recipe.strength:g}: {len(walk)} of {recipe.steps} steps, from {level}"
