"""outpaint: a picture goes on beyond its borders, on any side, as far as one likes; its own pixels stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from PIL import Image
from pydantic import Field

from garasu.tasks.img2img import LARGEST, with_source
from garasu.tasks.inpaint import Painted, Workpiece, painted
from garasu.tasks.picture import MadeWith, Picture
from garasu.tasks.refusal import RecipeError
from garasu.tasks.safety import checked, effective_safety
from garasu.tasks.source import Given, given
from garasu.tasks.walked import pictures

if TYPE_CHECKING:  # so that `garasu outpaint --help` does not wait for torch
    from torch import Tensor

    from garasu.diffusion.steps import Step
    from garasu.images.boxes import Box
    from garasu.model import StableDiffusion


class Outpaint(Painted):
    """Everything that decides the pictures of a picture that goes on."""

    task: ClassVar[str] = "outpaint"

    left: int = Field(0, ge=0, description="How many pixels to go on at the left.")
    right: int = Field(0, ge=0, description="At the right.")
    top: int = Field(0, ge=0, description="At the top.")
    bottom: int = Field(0, ge=0, description="At the bottom.")


def outpaint(
    sd: StableDiffusion, image: Given | None = None, recipe: Outpaint | str | None = None, **fields: Any
) -> Picture[Outpaint] | list[Picture[Outpaint]]:
    """Let a picture go on beyond its borders, or a list of pictures if `count` is more than 1.

    Takes a picture (or its file; else the recipe names one), a recipe or a prompt, and any of Outpaint's fields. The
    given pixels stay what they are, to the bit. What is far larger than the model paints grows window by window, each
    of which sees half of what is there already. Raises as img2img, and RecipeError if no side is to go on.
    """
    known = Outpaint.of(recipe, fields)
    return pictures(outpaint_steps(sd, known, image), known)


def outpaint_steps(
    sd: StableDiffusion, recipe: Outpaint, image: Given | None = None
) -> Iterator[Step | Picture[Outpaint]]:  # fmt: skip
    """The same, to be watched: every step on the way, and each picture as soon as it is finished."""
    if not (recipe.left or recipe.right or recipe.top or recipe.bottom):
        raise RecipeError("no side is to go on: say how many pixels left, right, top or bottom")
    source = given(image, recipe.image)
    recipe = with_source(recipe, source.image, image).with_seed()
    for index in range(recipe.count):
        assert recipe.seed is not None
        yield from _one(sd, recipe.but(seed=recipe.seed + index, count=1), source.original)


def _one(sd: StableDiffusion, recipe: Outpaint, original: Image.Image) -> Iterator[Step | Picture[Outpaint]]:
    """One picture, window by window."""
    effective_safety(sd, recipe.safety)  # refuses before any work
    page, unknown = _page(recipe, original)
    decoded = page
    for box in windows(page.size, sd.native_size, unknown):
        work = Workpiece(page, _within(unknown, box), box, _window_size(sd, recipe, box))
        window = recipe.but(width=work.size[0], height=work.size[1], safety="off")  # the page is checked, not its parts
        for made in painted(sd, window, work):
            if isinstance(made, Picture):
                page, decoded = made.image, made.others["decoded"]
            else:
                yield made
        unknown[..., *box.slices] = 0
    yield checked(sd, Picture(page, recipe, MadeWith.of(sd), {"decoded": decoded}), recipe.safety)


def windows(size: tuple[int, int], native: tuple[int, int], unknown: Tensor) -> list[Box]:
    """The windows in which a page of this size is painted, in an order in which each sees what is there already.

    All of it at once if the model can paint that much. Else windows of the native size that overlap by half, next
    always the one with the most known pixels; windows in which nothing is unknown are left out.
    """
    from garasu.images.boxes import Box
    from garasu.images.tiles import tiles

    if size[0] * size[1] <= LARGEST * native[0] * native[1]:
        return [Box(0, 0, *size)]
    side = min(native)
    left, missing, order = tiles(size, side, side // 2), unknown.clone(), []
    while missing.any():
        shares = [float(missing[..., *box.slices].mean()) for box in left]
        best = min((share, index) for index, share in enumerate(shares) if share > 0)[1]
        order.append(left[best])
        missing[..., *left[best].slices] = 0
    return order


def _page(recipe: Outpaint, original: Image.Image) -> tuple[Image.Image, Tensor]:
    """The larger picture with the given one in its place and its outermost pixels drawn out, and what is unknown."""
    import numpy as np

    from garasu.images.boxes import Box
    from garasu.images.masks import outside

    around = ((recipe.top, recipe.bottom), (recipe.left, recipe.right), (0, 0))
    page = Image.fromarray(np.pad(np.asarray(original), around, mode="edge"))
    box = Box(recipe.left, recipe.top, recipe.left + original.width, recipe.top + original.height)
    return page, outside(box, page.size)


def _within(unknown: Tensor, box: Box) -> Tensor:
    import torch

    mask = torch.zeros_like(unknown)
    mask[..., *box.slices] = unknown[..., *box.slices]
    return mask


def _window_size(sd: StableDiffusion, recipe: Outpaint, box: Box) -> tuple[int, int]:
    from garasu.images.fitting import nearest_size

    own = nearest_size(box.size, sd.vae.config.factor)
    return recipe.width or own[0], recipe.height or own[1]
