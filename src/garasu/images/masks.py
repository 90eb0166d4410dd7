"""Masks: where to paint. A tensor [1, 1, H, W], float32, 0 (leave as it is) to 1 (paint), soft edges in between."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from garasu.images.blur import gaussian
from garasu.images.boxes import Box
from garasu.images.modes import alpha_of, gray
from garasu.images.reading import upright

_OPAQUE_ENOUGH = 128  # alpha above which a pixel counts as painted, as in A1111


class MaskError(ValueError):
    """A mask that does not fit its picture, or in which there is nothing to paint."""


def mask_of(picture: Image.Image, *, invert: bool = False) -> Tensor:
    """The mask that a picture means, upright.

    A picture with transparent pixels is a drawing on nothing: 1 where alpha is above 128, else 0. Any
    other is read by its luminance: white 1, black 0, gray in between. `invert` swaps what is painted.
    """
    standing = upright(picture)
    alpha = alpha_of(standing)
    levels = torch.from_numpy(np.array(gray(standing) if alpha is None else alpha))  # [H, W]
    mask = levels / 255 if alpha is None else (levels > _OPAQUE_ENOUGH).float()
    return (1 - mask if invert else mask)[None, None]


def mask_picture(mask: Tensor) -> Image.Image:
    """The mask as a picture, "L": white where to paint."""
    return Image.fromarray((mask[0, 0] * 255).round().to(torch.uint8).cpu().numpy())


def check_mask(mask: Tensor, size: tuple[int, int]) -> None:
    """Raise MaskError unless the mask is for a picture of this size (width, height) and paints something."""
    if mask.ndim != 4 or mask.shape[:2] != (1, 1):
        raise MaskError(f"a mask must be a tensor [1, 1, H, W], not {list(mask.shape)}")
    height, width = mask.shape[2:]
    if (width, height) != size:
        raise MaskError(f"the mask is {width}x{height} and the picture {size[0]}x{size[1]}: give both one size")
    if not bool(((mask >= 0) & (mask <= 1)).all()):
        raise MaskError("a mask's values must be from 0 (leave as it is) to 1 (paint)")
    if not bool(mask.any()):
        raise MaskError("the mask is empty: make white (or opaque) what should be painted, or invert it")


def outside(box: Box, size: tuple[int, int]) -> Tensor:
    """The mask, of this size (width, height), that paints everything but the box: the padding around a picture."""
    mask = torch.ones(1, 1, size[1], size[0])
    mask[..., *box.slices] = 0
    return mask


def bounding_box(mask: Tensor) -> Box:
    """The smallest box that holds all that is painted at all. Raises MaskError for an empty mask."""
    height, width = mask.shape[2:]
    check_mask(mask, (width, height))
    rows, columns = mask[0, 0].amax(dim=1).nonzero(), mask[0, 0].amax(dim=0).nonzero()
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def masked_area(mask: Tensor, padding: int, aspect: float) -> Box:
    """The part of the picture to work on when only the masked part is painted, at the model's full size.

    The bounding box, `padding` pixels larger on every side, then grown to `aspect` (width / height of
    what the model paints); never beyond the picture. Raises MaskError for an empty mask.
    """
    size = (mask.shape[3], mask.shape[2])
    return bounding_box(mask).padded(padding, size).shaped(aspect, size)


def blurred(mask: Tensor, sigma: float) -> Tensor:
    """A softer mask: Gaussian of `sigma` pixels, reaching `garasu.images.blur.reach` both out of it and into it."""
    if sigma < 0:
        raise MaskError(f"a mask's blur is 0 or more pixels, not {sigma}")
    return gaussian(mask, sigma).clamp(0, 1)


def grown(mask: Tensor, pixels: int) -> Tensor:
    """The mask larger by some pixels in every direction (a disc's radius), or smaller for a negative number.

    Each pixel takes the largest (smallest) value among those at most that far away; beyond the
    picture there are none, so a mask does not shrink away from the picture's border.
    """
    if pixels < 0:
        return 1 - grown(1 - mask, -pixels)
    wide, larger, half = mask.clone(), mask.clone(), 0
    for down in range(pixels, -1, -1):  # the disc, row by row: the nearer to its middle, the wider
        while (half + 1) ** 2 + down**2 <= pixels**2:
            half += 1
            _spread(wide, mask, half, 3, torch.maximum)
        _spread(larger, wide, down, 2, torch.maximum)
    return larger


def depth(mask: Tensor, most: int) -> Tensor:
    """How far inside the mask each pixel is: to the nearest pixel of exactly 0, at most `most`; [1, 1, H, W].

    0 outside, 1 for the outermost painted pixels. Beyond the picture there is no outside.
    """
    far = float(most + 1)
    columns = torch.where(mask > 0, far, 0.0)  # the distance within each column, first
    for step in range(1, most + 1):
        _spread(columns, torch.where(mask > 0, far, float(step)), step, 2, torch.minimum)
    squares = columns**2
    nearest = squares.clone()
    for step in range(1, most + 1):
        _spread(nearest, squares + step**2, step, 3, torch.minimum)
    return nearest.sqrt().clamp(max=most)


def latent_mask(mask: Tensor, factor: int = 8) -> Tensor:
    """The mask on the latent's grid [1, 1, H/factor, W/factor]: each cell the mean of its pixels."""
    _check_divides(mask, factor)
    return F.avg_pool2d(mask, factor)


def hard_latent_mask(mask: Tensor, factor: int = 8) -> Tensor:
    """As 9-channel inpainting models were trained: 0 or 1 (from 0.5), then each cell its first pixel."""
    _check_divides(mask, factor)
    return (mask >= 0.5)[..., ::factor, ::factor].to(mask)


def _spread(target: Tensor, source: Tensor, by: int, axis: int, choose: Callable[..., Tensor]) -> None:
    """Change `target` in place to what `choose` takes of it and of `source` moved by so many pixels both ways."""
    rest = source.shape[axis] - by
    for to, of in ((0, by), (by, 0)) if rest > 0 else ():
        part = target.narrow(axis, to, rest)
        choose(part, source.narrow(axis, of, rest), out=part)


def _check_divides(mask: Tensor, factor: int) -> None:
    height, width = mask.shape[2:]
    if height % factor or width % factor:
        raise MaskError(f"the mask is {width}x{height}: both must be multiples of {factor}, resize it with its picture")
