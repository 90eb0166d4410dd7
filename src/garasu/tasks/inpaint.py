"""inpaint: a masked part of a picture is painted anew, and every pixel outside the mask stays what it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from PIL import Image
from pydantic import Field

from garasu.tasks.img2img import FromPicture, encoded, painted_size, with_source
from garasu.tasks.picture import Picture
from garasu.tasks.sampled import noise_of, profile_of, seeds_of, settled
from garasu.tasks.source import Given, check, given, public_name
from garasu.tasks.walked import Developed, pictures, walked

if TYPE_CHECKING:  # so that `garasu inpaint --help` does not wait for torch
    from torch import Tensor

    from garasu.diffusion.canvas import Blend, Canvas
    from garasu.diffusion.steps import Step
    from garasu.images.boxes import Box
    from garasu.model import StableDiffusion


class Painted(FromPicture):
    """What all tasks share that paint a part of a picture and keep the rest."""

    strength: float = Field(
        1.0, gt=0, le=1, description="How much of the masked part is noised away; at 1 nothing of it shows through."
    )
    mask_blur: float = Field(
        4.0, ge=0, allow_inf_nan=False, description="How far the model's mask fades, in pixels; the kept pixels stay."
    )
    content: Literal["original", "fill", "noise", "nothing"] = Field(
        "original", description="What the masked part starts from, below strength 1: itself, its surroundings, …"
    )
    blend: Literal["latent", "x0", "fresh", "clean"] | None = Field(
        None, description="How the kept part is held to the picture between steps; as the profile does when not given."
    )
    border: Literal["feather", "poisson", "hard"] = Field(
        "feather", description="How the painted part joins the kept one: softly, without a step of colour, or as it is."
    )
    feather: int = Field(4, ge=0, description="How many pixels wide a soft border is, all of them inside the mask.")

    def effective(self) -> dict[str, Any]:
        """What decides the picture; the profile's blend and the same one by name are one."""
        return super().effective() | {"blend": blend_of(self)}


class Inpaint(Painted):
    """Everything that decides the pictures of a masked picture and a prompt."""

    task: ClassVar[str] = "inpaint"

    mask: str = Field("", description="The mask's picture: white, or opaque on nothing, where to paint.")
    mask_hash: str = Field("", description="Of its pixels.", json_schema_extra={"readOnly": True})
    invert_mask: bool = Field(False, description="Paint where the mask is black.")
    only_masked: bool = Field(False, description="Work on the masked part alone, enlarged to the model's size.")
    padding: int = Field(32, ge=0, description="With --only-masked: how many pixels around it the model sees.")


AnyPainted = TypeVar("AnyPainted", bound=Painted)


def inpaint(
    sd: StableDiffusion,
    image: Given | None = None,
    mask: Given | None = None,
    recipe: Inpaint | str | None = None,
    **fields: Any,
) -> Picture[Inpaint] | list[Picture[Inpaint]]:
    """Paint the masked part of a picture anew, or a list of pictures if `count` is more than 1.

    Takes the picture and its mask of the same size (or their files; else the recipe names them), a recipe or a
    prompt, and any of Inpaint's fields. The result is as large as the picture, and the same to the bit wherever the
    mask is black; `.others["decoded"]` is what the VAE made, before the kept pixels were put back.
    Raises as img2img, and MaskError for a mask of another size or with nothing to paint.
    """
    known = Inpaint.of(recipe, fields)
    return pictures(inpaint_steps(sd, known, image, mask), known)


def inpaint_steps(
    sd: StableDiffusion, recipe: Inpaint, image: Given | None = None, mask: Given | None = None
) -> Iterator[Step | Picture[Inpaint]]:
    """The same, to be watched: every step on the way, and each picture as soon as it is finished."""
    source = given(image, recipe.image)
    place = mask_for(recipe, mask)
    recipe = with_source(recipe, source.image, image).but(
        mask=public_name(mask, recipe.mask), mask_hash=check(place.picture, recipe.mask_hash, recipe.mask)
    )
    work = workpiece(sd, recipe, source.original, place.mask)
    yield from painted(sd, recipe, work)


@dataclass(frozen=True)
class Mask:
    """A mask as it was given, and as a tensor [1, 1, H, W]."""

    picture: Image.Image
    mask: Tensor


def mask_for(recipe: Inpaint, mask: Given | None) -> Mask:
    """The mask that was handed over, else the file that the recipe names.

    Raises:
        RecipeError: there is neither.
    """
    from garasu.images.masks import mask_of

    picture = given(mask, recipe.mask, "mask").original
    return Mask(picture, mask_of(picture, invert=recipe.invert_mask))


@dataclass(frozen=True)
class Workpiece:
    """A picture whose masked part is to be painted: all of it, and the part that the model sees."""

    original: Image.Image  # RGB or RGBA
    mask: Tensor  # of the original, [1, 1, H, W], 1 where to paint
    box: Box  # the part of it that the model sees
    size: tuple[int, int]  # at which the model sees it

    @property
    def seen(self) -> Image.Image:
        """What the model sees, at its size."""
        from garasu.images.fitting import fit
        from garasu.images.modes import flat

        return fit(flat(self.original, "white").crop(self.box), self.size, "stretch").image

    @property
    def seen_mask(self) -> Tensor:
        """The mask of that."""
        from garasu.images.fitting import fit_mask

        return fit_mask(self.mask[..., *self.box.slices], self.size, "stretch")

    def put_back(self, image: Image.Image, recipe: Painted) -> Developed:
        """The whole picture with what the model painted where the mask is, and without the mask's protection."""
        from garasu.images.compositing import composite, paste_box
        from garasu.images.poisson import poisson

        decoded = paste_box(self.original, image, self.box)
        if recipe.border == "poisson":
            return poisson(self.original, decoded, self.mask), {"decoded": decoded}
        feather = recipe.feather if recipe.border == "feather" else 0
        return composite(self.original, decoded, self.mask, feather=feather), {"decoded": decoded}


def workpiece(sd: StableDiffusion, recipe: Inpaint, original: Image.Image, mask: Tensor) -> Workpiece:
    """What is to be painted, and at which size. Raises MaskError for a mask that does not fit or is empty."""
    from garasu.images.boxes import Box
    from garasu.images.masks import check_mask, masked_area

    check_mask(mask, original.size)
    if recipe.only_masked:
        width, height = recipe.width or sd.native_size[0], recipe.height or sd.native_size[1]
        return Workpiece(original, mask, masked_area(mask, recipe.padding, width / height), (width, height))
    own = painted_size(sd, original.size)
    return Workpiece(original, mask, Box(0, 0, *original.size), (recipe.width or own[0], recipe.height or own[1]))


def painted(sd: StableDiffusion, recipe: AnyPainted, work: Workpiece) -> Iterator[Step | Picture[AnyPainted]]:
    """Paint a workpiece by a recipe: every step on the way, and each picture."""
    seen, mask = work.seen, work.seen_mask
    yield from walked(
        sd,
        settled(recipe, work.size),
        canvas=lambda batch: masked_canvas(sd, batch, seen, mask),
        develop=work.put_back,
    )


def masked_canvas(sd: StableDiffusion, batch: Sequence[Painted], seen: Image.Image, mask: Tensor) -> Canvas:
    """The canvas of a batch of recipes: what the masked part starts from, and the mask as this model reads it."""
    from garasu.diffusion.canvas import Canvas
    from garasu.images.convert import to_tensor
    from garasu.images.filling import fill
    from garasu.images.masks import blurred, hard_latent_mask, latent_mask

    first, factor = batch[0], sd.vae.config.factor
    latent = encoded(sd, fill(seen, mask) if first.content == "fill" else seen, batch)
    soft = blurred(mask, first.mask_blur)
    masked = None
    if sd.unet.config.in_channels == 9:  # trained with hard masks, and with what is masked gray
        masked = sd.encode_image(to_tensor(seen) * (soft < 0.5))
        cells = hard_latent_mask(soft, factor)
    else:
        cells = latent_mask(soft, factor)
    return Canvas(_begun(latent, cells, batch), first.strength, cells.to(latent), blend_of(first), masked)


def blend_of(recipe: Painted) -> Blend:
    """How a recipe holds its kept part: as it says, else as its profile does."""
    return recipe.blend or profile_of(recipe).blend(recipe.sampler)


def _begun(latent: Tensor, cells: Tensor, batch: Sequence[Painted]) -> Tensor:
    """The latent with noise or nothing in its masked part, if that is asked for."""
    import torch

    from garasu.diffusion.noise import Noise

    content = batch[0].content
    if content in ("original", "fill"):
        return latent
    seeds = seeds_of(batch)
    shape = latent.shape[1], latent.shape[2], latent.shape[3]
    noise = Noise(seeds, shape, latent.device, noise_of(batch[0])).draw()
    inside = noise if content == "noise" else torch.zeros_like(noise)
    return torch.lerp(latent.expand_as(inside), inside, cells.to(latent))


def explain(sd: StableDiffusion, recipe: Inpaint, image: Given | None = None, mask: Given | None = None) -> Image.Image:
    """Why the kept part changes if it is not put back: a sheet of four pictures.

    What the model sees; the same after the VAE alone, with nothing painted; their difference eight times as strong,
    gray where there is none; and the blend weights, white where the model may paint, one square for each cell.
    """
    import numpy as np

    from garasu.images.masks import blurred, latent_mask, mask_picture
    from garasu.images.sheet import sheet

    place = mask_for(recipe, mask)
    work = workpiece(sd, recipe, given(image, recipe.image).original, place.mask)
    seen = work.seen
    (back,) = sd.decode_each(sd.encode_image(seen))
    difference = np.asarray(back).astype(int) - np.asarray(seen)
    strong = Image.fromarray((128 + 8 * difference).clip(0, 255).astype(np.uint8))
    cells = latent_mask(blurred(work.seen_mask, recipe.mask_blur), sd.vae.config.factor)
    weights = mask_picture(cells).resize(seen.size, Image.Resampling.NEAREST)
    mean = np.abs(difference).mean()
    labels = (
        "what the model sees",
        f"after the VAE: {mean:.1f} levels off",
        "their difference, 8 times",
        "may be painted",
    )
    return sheet([seen, back, strong, weights], labels, columns=4)
