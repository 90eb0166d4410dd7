"""How visible the border of what was painted is, as one number."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from garasu.images.compositing import levels
from garasu.images.masks import MaskError, check_mask

_NEARBY = 3  # pixels on each side of the border that say what steps are usual there
_UNSEEN = 1.0  # level; two flat sides one level apart make a seam of 2


def seam(picture: Image.Image, mask: Tensor) -> float:
    """Steps across the mask's border relative to steps beside it: 1 where no seam can be seen, more where one can.

        seam = (1 + across) / (1 + beside)

    A step is the difference of two neighbouring pixels in levels of 255, the mean of R, G and B. `across`
    is the mean of those between a pixel with mask 0 and one with mask above 0. `beside` is the mean of
    those, in the same direction, of which both pixels lie on one side, within 3 pixels of the border;
    rows and columns count by how often the border crosses them. The ones stand for the step that is
    too small to see. So a step of s levels between two flat sides is 1 + s; a gradient that goes on, or
    noise of the same strength on both sides, is about 1. Less than 1 means a blurred border.

    Raises MaskError for a mask without a border (all painted, or nothing), or of another size.
    """
    check_mask(mask, picture.size)
    inside = mask[0, 0].cpu().numpy() > 0
    colours = levels(picture)
    rows = _steps(colours, inside)
    columns = _steps(colours.transpose(1, 0, 2), inside.T)
    crossings = [count for count, _, _ in (rows, columns)]
    if not any(crossings):
        raise MaskError("the mask has no border in this picture: leave a part of it unpainted")
    across, beside = (np.average([rows[part], columns[part]], weights=crossings) for part in (1, 2))
    return float((_UNSEEN + across) / (_UNSEEN + beside))


def _steps(colours: NDArray[np.float64], inside: NDArray[np.bool_]) -> tuple[int, float, float]:
    """Along the rows: how often the border is crossed, the mean step there, and the mean step beside."""
    steps = np.abs(np.diff(colours, axis=1)).mean(axis=2)  # [H, W - 1]
    crossed = inside[:, 1:] != inside[:, :-1]
    near = np.zeros_like(crossed)
    for away in range(1, min(_NEARBY, crossed.shape[1] - 1) + 1):
        near[:, away:] |= crossed[:, :-away]
        near[:, :-away] |= crossed[:, away:]
    return int(crossed.sum()), _mean(steps[crossed]), _mean(steps[near & ~crossed])


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else 0.0
