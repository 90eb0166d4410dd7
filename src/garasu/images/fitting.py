"""Pictures brought to the size that a model is to paint, and masks the same way."""

from dataclasses import dataclass
from itertools import product
from math import ceil, floor, sqrt
from typing import Literal, get_args

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from garasu.images.boxes import Box
from garasu.images.modes import standard

Mode = Literal["stretch", "crop", "pad"]
Part = tuple[float, float, float, float]


class FitError(ValueError):
    """A size or a way of fitting that does not exist, with what does."""


@dataclass(frozen=True)
class Fitted:
    """A picture at the size asked for; `box` is where the given picture lies in it, and the rest is padding."""

    image: Image.Image
    box: Box


def fit(picture: Image.Image, size: tuple[int, int], mode: Mode = "crop", *, fill: str = "edge") -> Fitted:
    """An upright picture at this size (width, height), RGB or RGBA, filtered with Lanczos.

    "stretch" changes its proportions; "crop" keeps them and loses what stands out, equally on both
    sides; "pad" keeps all of it, in the middle, and surrounds it with `fill`: its outermost pixels
    drawn out ("edge"), itself enlarged and out of focus ("blur"), or a colour that Pillow knows.
    Raises FitError for another mode or fill, or a size below one pixel.
    """
    source, box = _placed(picture.size, size, mode)
    inner = standard(picture).resize(box.size, Image.Resampling.LANCZOS, source)
    return Fitted(inner if box.size == size else _padded(inner, size, box, fill), box)


def fit_mask(mask: Tensor, size: tuple[int, int], mode: Mode = "crop", *, padding: float = 0.0) -> Tensor:
    """A mask [1, 1, H, W], 0..1, as `fit` fits its picture, filtered bilinearly; `padding` is its value around it."""
    source, box = _placed((mask.shape[3], mask.shape[2]), size, mode)
    levels = Image.fromarray(mask[0, 0].cpu().numpy().astype(np.float32))  # "F"
    inner = np.array(levels.resize(box.size, Image.Resampling.BILINEAR, source))
    fitted = torch.full((1, 1, size[1], size[0]), padding)
    fitted[0, 0][box.slices] = torch.from_numpy(inner).clamp(0, 1)
    return fitted


def nearest_size(size: tuple[int, int], factor: int = 8, *, area: int | None = None) -> tuple[int, int]:
    """The size (width, height) to paint a picture of this size at when none is asked for.

    Both are multiples of `factor`, at least one, and as near as can be. With more pixels than `area`
    both become smaller in proportion first, so that the result has no more than that. Raises FitError
    for an area in which not even one square of `factor` has room.
    """
    if area is not None and area < factor**2:
        raise FitError(f"an area of {area} pixels has no room for {factor}x{factor}: allow at least {factor**2}")
    smaller = 1.0 if area is None else min(1.0, sqrt(area / (size[0] * size[1])))
    wanted = size[0] * smaller / factor, size[1] * smaller / factor
    room = None if area is None else area // factor**2
    near = ([max(1, ceil(side)), max(1, floor(side))] for side in wanted)  # of two as near, the larger
    choices = [choice for pair in product(*near) for choice in _within(pair, room)]
    width, height = min(choices, key=lambda choice: abs(choice[0] - wanted[0]) + abs(choice[1] - wanted[1]))
    return width * factor, height * factor


def _within(sides: tuple[int, ...], room: int | None) -> list[tuple[int, int]]:
    """The sides if their product has room, or else with one or the other as much shorter as it takes."""
    width, height = sides
    if room is None or width * height <= room:
        return [(width, height)]
    shorter = [(room // height, height), (width, room // width)]
    return [sides for sides in shorter if min(sides) > 0]


def _placed(old: tuple[int, int], new: tuple[int, int], mode: Mode) -> tuple[Part, Box]:
    """The part of the old picture that is used, and where it comes to lie in the new one."""
    if min(new) < 1:
        raise FitError(f"a picture cannot be fitted to {new[0]}x{new[1]}: both must be at least 1 pixel")
    (width, height), whole = old, Box(0, 0, *new)
    across, down = new[0] / width, new[1] / height
    match mode:
        case "stretch":
            return (0, 0, width, height), whole
        case "crop":
            scale = max(across, down)
            used = min(width, new[0] / scale), min(height, new[1] / scale)  # rounding must not lead out of the picture
            left, top = (width - used[0]) / 2, (height - used[1]) / 2
            return (left, top, left + used[0], top + used[1]), whole
        case "pad":
            scale = min(across, down)
            inner = max(1, round(width * scale)), max(1, round(height * scale))
            left, top = (new[0] - inner[0]) // 2, (new[1] - inner[1]) // 2
            return (0, 0, width, height), Box(left, top, left + inner[0], top + inner[1])
    raise FitError(f"there is no way of fitting {mode!r}: there are {', '.join(get_args(Mode))}")


def _padded(inner: Image.Image, size: tuple[int, int], box: Box, fill: str) -> Image.Image:
    if fill == "edge":
        around = [(box.top, size[1] - box.bottom), (box.left, size[0] - box.right), (0, 0)]
        return Image.fromarray(np.pad(np.asarray(inner), around, mode="edge"))
    if fill == "blur":
        page = fit(inner, size).image.filter(ImageFilter.GaussianBlur(max(size) / 24))
    else:
        page = _plain(inner.mode, size, fill)
    page.paste(inner, box)
    return page


def _plain(mode: str, size: tuple[int, int], colour: str) -> Image.Image:
    try:
        return Image.new(mode, size, colour)
    except ValueError as problem:
        raise FitError(f"{colour!r} is no filling: use edge, blur, or a colour such as white or #808080") from problem
