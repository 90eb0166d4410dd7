"""Pictures and masks for the tests of what is put into pictures."""

import numpy as np
import torch
from hypothesis import strategies as st
from PIL import Image

from garasu.images.blur import gaussian


def noise(size: tuple[int, int] = (40, 30), seed: int = 0, channels: int = 3) -> Image.Image:
    """Every pixel drawn by itself."""
    shape = (size[1], size[0], channels)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def levels(picture: Image.Image) -> np.ndarray:
    """Numbers that can be subtracted."""
    return np.asarray(picture).astype(int)


def rectangle(box: tuple[int, int, int, int], size: tuple[int, int] = (40, 30)) -> torch.Tensor:
    """The mask that paints a box."""
    left, top, right, bottom = box
    mask = torch.zeros(1, 1, size[1], size[0])
    mask[..., top:bottom, left:right] = 1
    return mask


@st.composite
def masks(draw: st.DrawFn, size: tuple[int, int] = (40, 30)) -> torch.Tensor:
    """Of every kind: specks, blots, hard and soft, nearly nothing, nearly everything."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (1, 1, size[1], size[0])
    noise = gaussian(torch.from_numpy(rng.random(shape)).float(), draw(st.sampled_from([0, 1, 3])))
    level = noise.flatten().sort().values[draw(st.integers(0, noise.numel() - 2))]
    mask = (noise > level).float()
    return (mask * torch.from_numpy(rng.random(shape)).float()) if draw(st.booleans()) else mask
