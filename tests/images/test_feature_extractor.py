"""The feature extractor against transformers' own."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from garasu.images.feature_extractor import OPENAI_STD, FeatureExtractor


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(width * height).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize("size", [(64, 64), (512, 512), (300, 200), (201, 333), (224, 225), (1000, 40)])
@pytest.mark.parametrize(("side", "crop"), [(224, 224), (30, 28)])
def test_it_gives_what_transformers_gives(size, side, crop):
    theirs = CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": crop, "width": crop})
    picture = noise(*size)
    expected = theirs(picture, return_tensors="pt")["pixel_values"]
    given = FeatureExtractor(size=side, crop=crop)([picture])
    assert given.shape == (1, 3, crop, crop)
    levels = (given - expected).abs() * torch.tensor(OPENAI_STD)[:, None, None] * 255
    assert levels.max() < 1e-3


def test_pictures_of_one_batch_may_differ_in_size_and_mode():
    batch = FeatureExtractor(size=30, crop=28)([noise(64, 48), noise(48, 64, "L"), noise(30, 30, "P")])
    assert batch.shape == (3, 3, 28, 28)
    assert torch.equal(batch[1], FeatureExtractor(size=30, crop=28)([noise(48, 64, "L")])[0])
