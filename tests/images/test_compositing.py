import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.images.pictures import levels, masks, noise, rectangle

from garasu.images.boxes import Box
from garasu.images.compositing import CompositeError, composite, feathered, paste_box
from garasu.images.masks import MaskError


@given(masks(), st.integers(0, 12), st.sampled_from([3, 4]))
@settings(max_examples=200, deadline=None)
def test_outside_the_mask_every_bit_is_the_originals(mask, feather, channels):
    original, painted = noise(channels=channels), noise(seed=1)
    result = composite(original, painted, mask, feather=feather)
    away = mask[0, 0].numpy() == 0
    assert result.mode == original.mode
    assert np.array_equal(levels(result)[away], levels(original)[away])
    assert np.array_equal(levels(result)[..., 3:], levels(original)[..., 3:])  # alpha everywhere


@given(masks(), st.integers(0, 12))
@settings(max_examples=100, deadline=None)
def test_feathering_stays_inside_and_never_adds(mask, feather):
    soft = feathered(mask, feather)
    assert bool((soft <= mask).all())
    assert torch.equal(soft > 0, mask > 0)
    deepest = soft / mask.clamp(min=1e-9)
    assert deepest.max().item() == pytest.approx(1)  # something is painted whole, however thin the mask


def test_where_the_mask_is_one_every_bit_is_the_painted_pictures():
    result = composite(noise(), noise(seed=1), rectangle((5, 5, 20, 20)))
    assert np.array_equal(levels(result)[5:20, 5:20], levels(noise(seed=1))[5:20, 5:20])


def test_between_the_two_are_mixed_in_proportion():
    black, white = Image.new("RGB", (40, 30), "black"), Image.new("RGB", (40, 30), "white")
    assert composite(black, white, torch.full((1, 1, 30, 40), 0.2)).getpixel((3, 3)) == (51, 51, 51)


def test_the_feather_rises_from_the_border_inwards():
    mask = rectangle((10, 0, 40, 30))
    line = feathered(mask, 4)[0, 0, 15]
    steps = np.array([1, 2, 3, 4, 5]) / 5
    assert line[:10].tolist() == [0] * 10
    assert line[10:15].numpy() == pytest.approx(steps**2 * (3 - 2 * steps))
    assert line[15:].tolist() == [1] * 25
    assert torch.equal(feathered(mask, 0), mask)


def test_modes_other_than_rgb_become_it():
    gray, mask = noise(channels=3).convert("L"), rectangle((5, 5, 20, 20))
    result = composite(gray, noise(seed=1), mask)
    assert result.mode == "RGB"
    assert result.getpixel((0, 0)) == (gray.getpixel((0, 0)),) * 3
    clear = noise(channels=4).convert("LA")
    assert composite(clear, noise(seed=1), mask).getchannel("A").tobytes() == clear.getchannel("A").tobytes()


def test_a_part_is_put_back_into_its_box_and_nowhere_else():
    original, part = noise(), Image.new("RGB", (64, 64), "red")
    whole = paste_box(original, part, Box(4, 6, 20, 22))
    assert np.array_equal(levels(whole)[6:22, 4:20], np.broadcast_to([255, 0, 0], (16, 16, 3)))
    changed = np.zeros((30, 40), dtype=bool)
    changed[6:22, 4:20] = True
    assert np.array_equal(levels(whole)[~changed], levels(original)[~changed])
    assert original.tobytes() == noise().tobytes()
    assert paste_box(original, original.crop((4, 6, 20, 22)), Box(4, 6, 20, 22)).tobytes() == original.tobytes()
    assert paste_box(noise(channels=4), part, Box(4, 6, 20, 22)).getpixel((10, 10)) == (255, 0, 0, 255)


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(CompositeError, match="are 40x30 and 30x40: resize one"):
        composite(noise(), noise((30, 40)), rectangle((0, 0, 1, 1)))
    with pytest.raises(MaskError, match="the mask is 8x8 and the picture 40x30"):
        composite(noise(), noise(), torch.ones(1, 1, 8, 8))
    with pytest.raises(MaskError, match="the mask is empty"):
        composite(noise(), noise(), torch.zeros(1, 1, 30, 40))
