import numpy as np
import pytest
import torch
from hypothesis import given, settings
from PIL import Image
from tests.images.pictures import levels, masks, noise, rectangle
from tests.images.test_harmonic import dense

from garasu.images.compositing import CompositeError
from garasu.images.poisson import poisson


def ramp(size: tuple[int, int] = (40, 30), lift: int = 0) -> Image.Image:
    y, x = np.mgrid[: size[1], : size[0]]
    return Image.fromarray(np.stack([x + lift, y + lift, x + y + lift], axis=2).astype(np.uint8))


@given(masks())
@settings(max_examples=40, deadline=None)
def test_outside_the_mask_every_bit_is_the_originals(mask):
    away = mask[0, 0].numpy() == 0
    result = poisson(noise(channels=4), noise(seed=1), mask)
    assert np.array_equal(levels(result)[away], levels(noise(channels=4))[away])
    assert np.array_equal(levels(result)[..., 3], levels(noise(channels=4))[..., 3])


def test_it_solves_the_poisson_equation():
    """Against a dense solver, the mask at the picture's border and off it; rounded to whole levels."""
    original, painted = noise((12, 10)), noise((12, 10), seed=1)
    mask = rectangle((3, 2, 8, 7), (12, 10)) + rectangle((9, 0, 12, 4), (12, 10))
    difference = (levels(original) - levels(painted)).transpose(2, 0, 1).astype(float)
    inside = mask[0, 0].numpy() > 0
    exact = levels(painted) + dense(difference, inside).transpose(1, 2, 0)
    expected = np.where(inside[..., None], exact.clip(0, 255), levels(original))
    assert np.abs(levels(poisson(original, painted, mask)) - expected).max() <= 0.51
    assert (exact < 0).any()  # so that clamping is seen


def test_a_constant_difference_vanishes():
    mask = rectangle((5, 5, 30, 20))
    assert poisson(ramp(), ramp(lift=90), mask).tobytes() == ramp().tobytes()


def test_flat_content_becomes_the_smoothest_surface():
    flat = Image.new("RGB", (40, 30), "gray")
    assert np.abs(levels(poisson(ramp(), flat, rectangle((5, 5, 30, 20)))) - levels(ramp())).max() <= 1


def test_where_all_is_painted_there_is_nothing_to_follow():
    assert poisson(noise(), noise(seed=1), torch.ones(1, 1, 30, 40)).tobytes() == noise(seed=1).tobytes()


def test_sizes_must_agree():
    with pytest.raises(CompositeError, match="40x30 and 8x8"):
        poisson(noise(), noise((8, 8)), rectangle((0, 0, 1, 1)))
