import numpy as np
import pytest
import torch
from hypothesis import given, settings
from PIL import Image
from tests.images.pictures import levels, masks, noise, rectangle

from garasu.images.compositing import composite
from garasu.images.filling import fill
from garasu.images.masks import MaskError
from garasu.images.seam import seam

HOLE = rectangle((8, 6, 30, 22))


@given(masks())
@settings(max_examples=60, deadline=None)
def test_outside_the_mask_every_bit_is_the_pictures(mask):
    filled = fill(noise(channels=4), mask)
    away = mask[0, 0].numpy() == 0
    assert np.array_equal(levels(filled)[away], levels(noise(channels=4))[away])
    assert np.array_equal(levels(filled)[..., 3], levels(noise(channels=4))[..., 3])


@pytest.mark.parametrize("mask", [HOLE, rectangle((0, 0, 40, 12)), rectangle((0, 0, 39, 30))])
def test_a_flat_picture_is_flat_again_whatever_stood_in_the_hole(mask):
    flat = Image.new("RGB", (40, 30), (200, 30, 90))
    assert np.abs(levels(fill(composite(flat, noise(), mask), mask)) - levels(flat)).max() <= 1


def test_nothing_of_what_was_in_the_hole_is_left():
    first, second = (composite(noise(), noise(seed=seed), HOLE) for seed in (1, 2))
    assert fill(first, HOLE).tobytes() == fill(second, HOLE).tobytes()


def test_a_hole_between_two_colours_passes_from_one_to_the_other():
    sides = Image.new("RGB", (40, 30), "black")
    sides.paste((200, 200, 200), (20, 0, 40, 30))
    row = levels(fill(sides, rectangle((8, 0, 32, 30))))[15, :, 0]
    assert row[8] <= 20
    assert row[31] >= 180
    assert (np.diff(row[8:32]) >= 0).all()
    assert np.diff(row[8:32]).max() <= 32


def test_each_side_of_the_picture_keeps_its_colours_when_it_is_made_larger():
    """Red above, blue below, both as far out as the picture goes: not their mean."""
    picture = Image.new("RGB", (64, 64), "red")
    picture.paste("blue", (0, 32, 64, 64))
    filled = levels(fill(picture, 1 - rectangle((20, 0, 44, 64), (64, 64))))
    assert (filled[8, :, 0] > 200).all()
    assert (filled[56, :, 2] > 200).all()


def test_the_fill_leaves_no_seam():
    y, x = np.mgrid[:90, :120]
    waves = 127 + 60 * np.sin(x / 15) + 60 * np.cos(y / 11)
    picture, hole = Image.fromarray(waves.astype(np.uint8)).convert("RGB"), rectangle((40, 30, 80, 60), (120, 90))
    assert seam(fill(picture, hole), hole) < 1.5
    assert seam(composite(picture, Image.new("RGB", (120, 90)), hole), hole) > 15


def test_a_soft_mask_mixes_the_fill_with_what_was_there_which_hardly_counts():
    spotted = composite(Image.new("RGB", (40, 30), "white"), Image.new("RGB", (40, 30), (100, 100, 100)), HOLE)
    border = levels(fill(spotted, HOLE * 0.6))[14, 8]
    assert np.abs(border - (100 + 0.6 * 155)).max() <= 10
    assert levels(fill(spotted, HOLE))[14, 8].tolist() == [255, 255, 255]


def test_a_picture_that_is_all_hole_is_gray():
    assert np.abs(levels(fill(noise(), torch.ones(1, 1, 30, 40))) - 127.5).max() <= 0.5


def test_the_mask_must_fit():
    with pytest.raises(MaskError, match="give both one size"):
        fill(noise(), torch.ones(1, 1, 8, 8))
