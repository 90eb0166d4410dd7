import numpy as np
import pytest
import torch
from PIL import Image
from tests.images.pictures import noise, rectangle

from garasu.images.compositing import composite
from garasu.images.masks import MaskError
from garasu.images.poisson import poisson
from garasu.images.seam import seam

SIZE = (120, 90)
BLOCK = rectangle((30, 20, 80, 60), SIZE)
HALF = rectangle((60, 0, 120, 90), SIZE)


def flat(level: int) -> Image.Image:
    return Image.new("RGB", SIZE, (level, level, level))


def slope(across: int, down: int, lift: int = 0) -> Image.Image:
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    return Image.fromarray((x * across + y * down + lift).astype(np.uint8)).convert("RGB")


def disc() -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(90), torch.arange(120), indexing="ij")
    return ((y - 45) ** 2 + (x - 60) ** 2 <= 30**2).float()[None, None]


@pytest.mark.parametrize("mask", [BLOCK, HALF, disc()])
@pytest.mark.parametrize("picture", [flat(99), slope(1, 0), slope(0, 2), slope(1, 1)])
def test_gradients_that_go_on_have_no_seam(picture, mask):
    assert seam(picture, mask) == pytest.approx(1)


@pytest.mark.parametrize("mask", [BLOCK, disc()])
def test_noise_of_one_strength_has_hardly_a_seam(mask):
    assert seam(noise(SIZE), mask) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("step", [1, 5, 40])
@pytest.mark.parametrize("mask", [BLOCK, HALF, disc()])
def test_a_step_between_flat_sides_is_one_plus_the_step(mask, step):
    assert seam(composite(flat(100), flat(100 + step), mask), mask) == pytest.approx(1 + step)


def test_the_same_step_shows_less_on_a_steeper_slope():
    seams = [seam(composite(slope(steep, 0), slope(steep, 0, lift=30), HALF), HALF) for steep in (0, 1, 2)]
    assert seams == pytest.approx([31, 32 / 2, 33 / 3])


def test_poisson_takes_the_seam_away_and_feathering_lowers_it():
    original, painted = slope(1, 1), slope(1, 1, lift=40)
    hard = seam(composite(original, painted, BLOCK), BLOCK)
    soft = seam(composite(original, painted, BLOCK, feather=8), BLOCK)
    assert hard > 5
    assert soft < hard / 3
    assert seam(poisson(original, painted, BLOCK), BLOCK) == pytest.approx(1, abs=0.05)


def test_a_picture_of_one_line_and_a_border_at_its_end():
    line = Image.fromarray(np.array([[0, 0, 0, 9]], dtype=np.uint8)).convert("RGB")
    assert seam(line, rectangle((3, 0, 4, 1), (4, 1))) == pytest.approx(10)


def test_without_a_border_there_is_no_seam_to_measure():
    with pytest.raises(MaskError, match=r"no border .* leave a part of it unpainted"):
        seam(flat(0), torch.ones(1, 1, 90, 120))
    with pytest.raises(MaskError, match="empty"):
        seam(flat(0), torch.zeros(1, 1, 90, 120))
    with pytest.raises(MaskError, match="give both one size"):
        seam(flat(0), torch.ones(1, 1, 9, 9))
