"""Seamless blending: the painted part keeps its gradients and takes on the colours of its surroundings.

P. Pérez, M. Gangnet, A. Blake, Poisson Image Editing, SIGGRAPH 2003.
"""

import numpy as np
from PIL import Image
from torch import Tensor

from garasu.images.compositing import checked, levels, recoloured
from garasu.images.harmonic import harmonic
from garasu.images.masks import bounding_box


def poisson(original: Image.Image, painted: Image.Image, mask: Tensor) -> Image.Image:
    """`painted` put into `original` so that no step shows at the mask's border.

    Inside (mask above 0) the result f solves Δf = Δpainted, with f = original on the pixels around: that
    is f = painted + u, with u harmonic inside and u = original - painted around. Outside it is the
    original, to the bit. Colours are clamped to 0..255. With an error far below one level before
    rounding, see `garasu.images.harmonic`.

    It suits a painting that continues its surroundings in somewhat other colours, as models make them.
    Where the two pictures show different things at the border, their difference runs into the painting
    as a tint. A mask that leaves nothing out leaves `painted` as it is. Same modes and errors as
    `garasu.images.compositing.composite`.
    """
    base = checked(original, painted, mask)
    inside = mask[0, 0].cpu().numpy() > 0
    old, new = levels(base), levels(painted)
    if not inside.all():
        part = bounding_box(mask).padded(1, base.size).slices  # what is around, and no more
        difference = np.moveaxis((old - new)[part], 2, 0)  # [3, h, w]
        new[part] += np.moveaxis(harmonic(difference, inside[part]), 0, 2)
    return recoloured(base, new, mask)
