import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.images.profiles import gray_profile

from garasu.images.boxes import Box
from garasu.images.masks import (
    MaskError,
    blurred,
    bounding_box,
    check_mask,
    depth,
    grown,
    hard_latent_mask,
    latent_mask,
    mask_of,
    mask_picture,
    masked_area,
    outside,
)
from garasu.images.reading import open_picture


def random_mask(seed: int, height: int = 24, width: int = 32, share: float = 0.1) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    values = rng.random((height, width)) * (rng.random((height, width)) < share)
    return torch.from_numpy(values).float()[None, None]


def disc(radius: int) -> np.ndarray:
    """Which pixels lie within a radius, in a square of just that size."""
    at = np.arange(-radius, radius + 1)
    return at[:, None] ** 2 + at[None] ** 2 <= radius**2


def test_white_is_painted_black_is_left_and_gray_is_in_between():
    mask = mask_of(Image.fromarray(np.array([[0, 128, 255]], dtype=np.uint8)))
    assert (mask.shape, mask.dtype) == ((1, 1, 1, 3), torch.float32)
    assert mask.flatten().tolist() == pytest.approx([0, 128 / 255, 1])
    assert mask_of(Image.new("RGB", (2, 2), "white"), invert=True).unique().tolist() == [0]


@pytest.mark.parametrize(("alpha", "painted"), [(0, 0), (128, 0), (129, 1), (254, 1)])
def test_of_a_drawing_on_nothing_the_opaque_part_is_painted(alpha, painted):
    picture = Image.new("RGBA", (4, 4), (0, 0, 0, alpha))
    assert mask_of(picture).unique().tolist() == [painted]
    assert mask_of(picture, invert=True).unique().tolist() == [1 - painted]


def test_an_alpha_that_is_opaque_everywhere_does_not_count():
    assert mask_of(Image.new("RGBA", (4, 4), (0, 0, 0, 255))).unique().tolist() == [0]


def test_masks_of_files_are_upright_wide_and_free_of_profiles(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # stored a quarter turned to the left
    levels = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    Image.fromarray(levels).save(tmp_path / "a.png", exif=exif, icc_profile=gray_profile())
    assert torch.equal(
        mask_of(open_picture(tmp_path / "a.png"))[0, 0], torch.from_numpy(np.rot90(levels, -1) / 255).float()
    )
    Image.fromarray(np.full((4, 4), 32768, dtype=np.uint16)).save(tmp_path / "wide.png")
    assert mask_of(open_picture(tmp_path / "wide.png")).unique().tolist() == pytest.approx([128 / 255])


def test_a_mask_is_a_picture_again():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(np.asarray(mask_picture(mask_of(Image.fromarray(levels)))), levels)


@pytest.mark.parametrize(
    ("mask", "size", "message"),
    [
        (torch.ones(1, 1, 8, 16), (8, 16), "the mask is 16x8 and the picture 8x16: give both one size"),
        (torch.zeros(1, 1, 8, 16), (16, 8), r"the mask is empty: .* or invert it"),
        (torch.ones(8, 16), (16, 8), r"must be a tensor \[1, 1, H, W\], not \[8, 16\]"),
        (torch.full((1, 1, 8, 16), 255.0), (16, 8), r"from 0 \(leave as it is\) to 1"),
        (torch.full((1, 1, 8, 16), float("nan")), (16, 8), r"from 0 \(leave as it is\) to 1"),
    ],
)
def test_masks_that_cannot_be_used_are_refused(mask, size, message):
    with pytest.raises(MaskError, match=message):
        check_mask(mask, size)


def test_a_usable_mask_is_accepted():
    check_mask(outside(Box(0, 0, 1, 1), (16, 8)), (16, 8))


def test_outside_of_a_box():
    mask = outside(Box(1, 2, 3, 3), (4, 4))
    assert mask[0, 0].tolist() == [[1, 1, 1, 1], [1, 1, 1, 1], [1, 0, 0, 1], [1, 1, 1, 1]]


def test_the_bounding_box_holds_every_painted_pixel_and_no_empty_border():
    mask = torch.zeros(1, 1, 10, 20)
    mask[0, 0, 3, 7] = 0.01
    mask[0, 0, 6, 4] = 1
    assert bounding_box(mask) == (4, 3, 8, 7)
    with pytest.raises(MaskError, match="empty"):
        bounding_box(torch.zeros(1, 1, 4, 4))


def test_the_masked_area_is_padded_then_shaped():
    mask = torch.zeros(1, 1, 100, 200)
    mask[..., 40:50, 60:80] = 1  # 20 wide, 10 high
    assert masked_area(mask, 5, 1.0) == (55, 30, 85, 60)
    assert masked_area(mask, 0, 4.0) == (50, 40, 90, 50)


def test_a_blurred_edge_reaches_as_far_as_the_kernel_and_no_further():
    mask = torch.zeros(1, 1, 1, 60)
    mask[..., 30:] = 1
    line = blurred(mask, 4)[0, 0, 0]
    assert line[:20].tolist() == [0] * 20  # int(2.5 · 4 + 0.5) = 10
    assert line[20:40].diff().min() > 0
    assert line[29:31].mean().item() == pytest.approx(0.5)
    assert line[40:].tolist() == pytest.approx([1] * 20)


def test_blur_of_nothing_is_nothing_and_of_all_is_all():
    assert blurred(torch.zeros(1, 1, 20, 20), 3).unique().tolist() == [0]
    assert blurred(torch.ones(1, 1, 20, 20), 3).min().item() == pytest.approx(1)
    mask = random_mask(0)
    assert torch.equal(blurred(mask, 0), mask)
    with pytest.raises(MaskError, match="0 or more pixels, not -1"):
        blurred(mask, -1)


@given(st.integers(0, 2**32 - 1), st.integers(0, 6))
@settings(max_examples=50, deadline=None)
def test_growing_takes_the_largest_within_a_disc(seed, radius):
    mask = random_mask(seed, 12, 15)
    padded = np.pad(mask[0, 0].numpy(), radius)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * radius + 1, 2 * radius + 1))
    expected = np.where(disc(radius), windows, 0).max(axis=(2, 3))
    assert np.array_equal(grown(mask, radius)[0, 0].numpy(), expected)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
@settings(max_examples=50, deadline=None)
def test_shrinking_is_growing_of_what_is_left(seed, radius):
    mask = (random_mask(seed, 12, 15, share=0.8) > 0).float()
    shrunk = grown(mask, -radius)
    assert torch.equal(shrunk, 1 - grown(1 - mask, radius))
    assert bool((grown(shrunk, radius) <= mask).all())  # opening never adds


def test_a_mask_does_not_shrink_away_from_the_pictures_border():
    assert torch.equal(grown(torch.ones(1, 1, 8, 8), -3), torch.ones(1, 1, 8, 8))


@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
@settings(max_examples=50, deadline=None)
def test_depth_is_the_distance_to_the_nearest_pixel_outside(seed, most):
    mask = random_mask(seed, 11, 14, share=0.93)
    rows, columns = np.nonzero(mask[0, 0].numpy() == 0)
    y, x = np.mgrid[:11, :14]
    distances = np.hypot(y[..., None] - rows, x[..., None] - columns)
    expected = np.minimum(distances.min(axis=2, initial=most), most)
    assert depth(mask, most)[0, 0].numpy() == pytest.approx(expected, abs=1e-5)


def test_latent_masks_soft_and_hard():
    mask = torch.zeros(1, 1, 8, 16)
    mask[..., 2:, 0:8] = 0.5
    mask[..., 0, 8] = 0.4999
    assert latent_mask(mask)[0, 0].tolist() == [[pytest.approx(0.375), pytest.approx(0.4999 / 64)]]
    assert hard_latent_mask(mask)[0, 0].tolist() == [[0, 0]]
    mask[..., 0, 0] = 0.5
    assert hard_latent_mask(mask)[0, 0].tolist() == [[1, 0]]


def test_the_hard_latent_mask_is_the_one_of_diffusers():
    """threshold in pixels, then nearest neighbour."""
    mask = random_mask(0, 64, 48, share=1.0)
    expected = torch.nn.functional.interpolate((mask >= 0.5).float(), size=(8, 6))
    assert torch.equal(hard_latent_mask(mask), expected)


def test_sizes_that_the_grid_does_not_divide_are_refused():
    for make in (latent_mask, hard_latent_mask):
        with pytest.raises(MaskError, match="the mask is 17x8: both must be multiples of 8"):
            make(torch.ones(1, 1, 8, 17))
