import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from garasu.images.fitting import FitError, fit, fit_mask, nearest_size
from garasu.images.masks import mask_of


def ramp(width: int, height: int) -> Image.Image:
    """Red grows to the right, green downwards; one level a pixel."""
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([x, y, 0 * x], axis=2).astype(np.uint8))


def levels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(int)


@pytest.mark.parametrize("mode", ["stretch", "crop", "pad"])
def test_a_picture_of_the_right_size_stays_as_it_is(mode):
    fitted = fit(ramp(60, 40), (60, 40), mode)
    assert fitted.image.tobytes() == ramp(60, 40).tobytes()
    assert fitted.box == (0, 0, 60, 40)


def test_stretching_uses_all_of_the_picture():
    stretched = levels(fit(ramp(200, 100), (50, 50), "stretch").image)
    middle = stretched[5:-5, 5:-5]
    assert np.abs(middle[..., 0] - (np.arange(5, 45) * 4 + 1.5)).max() <= 1  # centres of 4 source pixels
    assert np.abs(middle[..., 1] - (np.arange(5, 45) * 2 + 0.5)[:, None]).max() <= 1


@pytest.mark.parametrize(("size", "left", "top"), [((50, 50), 50, 0), ((100, 25), 0, 25)])
def test_cropping_keeps_proportions_and_the_middle(size, left, top):
    cropped = fit(ramp(200, 100), size, "crop")
    scale = max(size[0] / 200, size[1] / 100)
    y, x = np.mgrid[5 : size[1] - 5, 5 : size[0] - 5]
    seen = levels(cropped.image)[5:-5, 5:-5]
    assert np.abs(seen[..., 0] - ((x + 0.5) / scale - 0.5 + left)).max() <= 1
    assert np.abs(seen[..., 1] - ((y + 0.5) / scale - 0.5 + top)).max() <= 1
    assert cropped.box == (0, 0, *size)


def test_padding_keeps_all_of_the_picture_in_the_middle():
    padded = fit(ramp(100, 50), (100, 80), "pad", fill="#102030")
    assert padded.box == (0, 15, 100, 65)
    assert padded.image.crop(padded.box).tobytes() == ramp(100, 50).tobytes()
    assert {padded.image.getpixel((x, y)) for x in (0, 99) for y in (0, 14, 65, 79)} == {(16, 32, 48)}


def test_padding_draws_the_edge_out():
    padded = levels(fit(ramp(100, 50), (100, 80), "pad", fill="edge").image)
    assert np.array_equal(padded[:15], np.broadcast_to(padded[15], (15, 100, 3)))
    assert np.array_equal(padded[65:], np.broadcast_to(padded[64], (15, 100, 3)))


def test_padding_out_of_focus_shows_the_picture_but_none_of_its_detail():
    stripes = Image.fromarray(np.tile(np.array([[0, 255]], dtype=np.uint8), (50, 50))).convert("RGB")
    padded = fit(stripes, (100, 200), "pad", fill="blur")
    around = levels(padded.image)[: padded.box.top]
    assert around.mean() == pytest.approx(127.5, abs=3)
    assert np.abs(np.diff(around, axis=1)).max() <= 3
    assert padded.image.crop(padded.box).tobytes() == stripes.tobytes()


def test_transparent_pictures_stay_transparent():
    drawing = Image.new("RGBA", (10, 20), (255, 0, 0, 99))
    for fill in ("edge", "blur"):
        assert fit(drawing, (20, 20), "pad", fill=fill).image.getpixel((0, 0)) == (255, 0, 0, 99)
    assert fit(drawing, (20, 20), "pad", fill="white").image.getpixel((0, 0)) == (255, 255, 255, 255)


@given(
    *(st.integers(1, 60) for _ in range(4)),
    st.sampled_from(["stretch", "crop", "pad"]),
    st.sampled_from(["edge", "blur", "red"]),
)
@settings(max_examples=50, deadline=None)
def test_any_size_fits_into_any_other(width, height, new_width, new_height, mode, fill):  # noqa: PLR0917
    fitted = fit(ramp(width, height), (new_width, new_height), mode, fill=fill)
    assert fitted.image.size == (new_width, new_height)
    assert 0 <= fitted.box.left < fitted.box.right <= new_width
    assert 0 <= fitted.box.top < fitted.box.bottom <= new_height


@pytest.mark.parametrize("mode", ["stretch", "crop", "pad"])
def test_a_mask_is_fitted_as_its_picture_is(mode):
    picture = Image.new("L", (90, 40))
    picture.paste(255, (20, 10, 70, 30))
    mask = fit_mask(mask_of(picture), (64, 64), mode)
    seen = levels(fit(picture, (64, 64), mode, fill="black").image)[..., 0] / 255
    assert mask.shape == (1, 1, 64, 64)
    assert (mask.min().item(), mask.max().item()) == (0.0, 1.0)
    assert (mask[0, 0].numpy() > 0.5).tolist() == (seen > 0.5).tolist()


def test_a_mask_is_exactly_nothing_where_nothing_was_painted():
    mask = torch.zeros(1, 1, 50, 50)
    mask[..., 20:30, 20:30] = 1
    fitted = fit_mask(mask, (200, 200), "stretch")
    assert fitted[..., :76].count_nonzero() == 0
    assert fitted[0, 0, 84:116, 84:116].unique().tolist() == [1]


def test_around_a_padded_mask_is_what_was_asked_for():
    mask = fit_mask(torch.zeros(1, 1, 10, 20), (20, 20), "pad", padding=1.0)
    assert mask[0, 0, :, 0].tolist() == [1] * 5 + [0] * 10 + [1] * 5


@pytest.mark.parametrize(
    ("size", "options", "expected"),
    [
        ((512, 512), {}, (512, 512)),
        ((515, 509), {}, (512, 512)),
        ((516, 12), {}, (520, 16)),  # halves go up
        ((3, 1), {}, (8, 8)),
        ((515, 515), {"factor": 64}, (512, 512)),
        ((1024, 1024), {"area": 512**2}, (512, 512)),
        ((1920, 1080), {"area": 512**2}, (680, 384)),  # 682.7 x 384
        ((300, 200), {"area": 512**2}, (304, 200)),  # never larger; 304 is as near as 296
        ((10_000, 1), {"area": 64**2}, (512, 8)),
    ],
)
def test_the_nearest_size(size, options, expected):
    assert nearest_size(size, **options) == expected


@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from([1, 8, 64]), st.integers(1, 4000))
@settings(max_examples=50, deadline=None)
def test_sizes_are_multiples_within_the_area_and_near(width, height, factor, cells):
    area = cells * factor**2
    found = nearest_size((width, height), factor, area=area)
    smaller = min(1, (area / (width * height)) ** 0.5)
    assert all(side >= factor and side % factor == 0 for side in found)
    assert found[0] * found[1] <= area
    if min(width, height) * smaller >= 2 * factor and max(width, height) * smaller <= 8 * factor:
        assert abs(found[0] - width * smaller) + abs(found[1] - height * smaller) < 3 * factor
    free = nearest_size((width, height), factor)
    assert all(abs(new - old) <= max(factor / 2, factor - old) for new, old in zip(free, (width, height), strict=True))


def test_what_cannot_be_is_refused():
    with pytest.raises(FitError, match="there are stretch, crop, pad"):
        fit(ramp(4, 4), (8, 8), "squeeze")
    with pytest.raises(FitError, match="'mauv' is no filling: use edge, blur, or a colour"):
        fit(ramp(4, 4), (8, 16), "pad", fill="mauv")
    with pytest.raises(FitError, match="fitted to 0x8"):
        fit(ramp(4, 4), (0, 8))
    with pytest.raises(FitError, match="allow at least 64"):
        nearest_size((10, 10), area=63)
