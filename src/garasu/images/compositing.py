"""Putting what was painted back into the picture, without touching a single pixel outside the mask."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from garasu.images.boxes import Box
from garasu.images.masks import check_mask, depth
from garasu.images.modes import standard

Levels = NDArray[np.float64]  # [H, W, 3], 0..255


class CompositeError(ValueError):
    """Two pictures that cannot be put into one."""


def composite(original: Image.Image, painted: Image.Image, mask: Tensor, *, feather: int = 0) -> Image.Image:
    """`painted` where the mask is 1, `original` where it is 0, a mixture where it is between.

    Where the mask is exactly 0 every pixel is the original's, to the bit. `feather` mixes the two
    softly over so many pixels, all of them inside the mask (see `feathered`). The result is RGB, or
    RGBA for an original of that mode, whose alpha it keeps; other modes become one of the two first.
    Raises MaskError or CompositeError for sizes that differ, and MaskError for an empty mask.
    """
    base = checked(original, painted, mask)
    old, new = levels(base), levels(painted)
    weight = feathered(mask, feather)[0, 0].double().cpu().numpy()[..., None]  # [H, W, 1]
    return recoloured(base, old + weight * (new - old), mask)


def feathered(mask: Tensor, feather: int) -> Tensor:
    """The mask fading out towards its border, from within: still 0 where it was 0, 1 from `feather` pixels deep.

    A mask less than `feather` pixels deep fades over the depth that it has, so that its middle is
    painted whole.
    """
    if feather <= 0:
        return mask
    inside = depth(mask, feather + 1)
    share = inside / inside.max()  # 1 only in the middle
    return mask * share * share * (3 - 2 * share)  # smoothstep: no crease at either end


def paste_box(picture: Image.Image, part: Image.Image, box: Box) -> Image.Image:
    """A copy of the picture with `part`, brought to the box's size with Lanczos, in the box."""
    whole = picture.copy()
    whole.paste(part.convert(picture.mode).resize(box.size, Image.Resampling.LANCZOS), box)
    return whole


def checked(original: Image.Image, painted: Image.Image, mask: Tensor) -> Image.Image:
    """The original as RGB or RGBA, if the three fit together; see `composite`."""
    if original.size != painted.size:
        sizes = " and ".join("x".join(map(str, picture.size)) for picture in (original, painted))
        raise CompositeError(f"the original and the painted picture are {sizes}: resize one to the other's size")
    check_mask(mask, original.size)
    return original if original.mode in {"RGB", "RGBA"} else standard(original)


def levels(picture: Image.Image) -> Levels:
    """The colours of a picture as numbers."""
    return np.asarray(picture.convert("RGB")).astype(np.float64)


def recoloured(base: Image.Image, colours: Levels, mask: Tensor) -> Image.Image:
    """`base` (RGB or RGBA) with these colours, rounded and clamped, where the mask is not 0; its alpha is kept."""
    pixels = np.array(base)
    painted = mask[0, 0].cpu().numpy() > 0
    pixels[painted, :3] = np.rint(colours[painted]).clip(0, 255).astype(np.uint8)
    return Image.fromarray(pixels)
