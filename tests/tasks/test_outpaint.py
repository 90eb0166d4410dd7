"""outpaint: kept pixels, the order of windows, and several to choose from."""

import numpy as np
import pytest
import torch
from PIL import Image

from garasu.images.boxes import Box
from garasu.images.masks import outside
from garasu.tasks.outpaint import Outpaint, outpaint, windows
from garasu.tasks.refusal import RecipeError

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
BRIEF = {"steps": 2, "seed": 1}


@pytest.mark.parametrize(
    "sides",
    [
        {"left": 16},
        {"right": 20, "bottom": 7},
        {"left": 100, "right": 100},
        {"top": 70, "left": 5, "right": 90, "bottom": 64},
    ],
    ids=str,
)
def test_the_given_pixels_stay(tiny, sides):
    made = outpaint(tiny, PICTURE, "a beach", **BRIEF, **sides)
    left, right, top, bottom = (sides.get(side, 0) for side in ("left", "right", "top", "bottom"))
    assert made.image.size == (64 + left + right, 64 + top + bottom)
    assert made.image.crop((left, top, left + 64, top + 64)).tobytes() == PICTURE.tobytes()
    edges = np.pad(np.asarray(PICTURE), ((top, bottom), (left, right), (0, 0)), mode="edge")
    drawn_out = (np.asarray(made.image) == edges).all(axis=2)
    assert drawn_out.mean() < 1.2 * 64 * 64 / drawn_out.size, "all that is new was painted"


def test_a_page_that_the_model_can_paint_is_painted_at_once():
    unknown = outside(Box(0, 0, 64, 64), (128, 64))
    assert windows((128, 64), (64, 64), unknown) == [Box(0, 0, 128, 64)]


def test_every_window_sees_what_is_there_already():
    size, box = (384, 128), Box(160, 32, 224, 96)
    unknown = outside(box, size)
    missing = unknown.clone()
    for window in windows(size, (64, 64), unknown):
        share = float(missing[..., *window.slices].mean())
        assert 0 < share <= 0.75, "at least a quarter of it is known"
        missing[..., *window.slices] = 0
    assert not missing.any()
    assert torch.equal(unknown, outside(box, size)), "the caller's is left alone"


def test_four_to_choose_from_have_noise_of_their_own(tiny):
    made = outpaint(tiny, PICTURE, "a beach", left=16, count=2, **BRIEF)
    assert [one.recipe.seed for one in made] == [1, 2]
    assert made[0].image.tobytes() != made[1].image.tobytes()
    again = outpaint(tiny, PICTURE, made[1].recipe)
    assert again.image.tobytes() == made[1].image.tobytes()


def test_a_picture_with_no_side_to_go_on_is_refused(tiny):
    with pytest.raises(RecipeError, match="say how many pixels left, right, top or bottom"):
        outpaint(tiny, PICTURE, "a beach", **BRIEF)
    with pytest.raises(RecipeError, match="left must be at least 0, not -8"):
        Outpaint(prompt="a beach", left=-8)
