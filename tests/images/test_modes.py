import numpy as np
import pytest
from PIL import Image, ImageCms
from tests.images.profiles import GREEN, RED, cmyk_profile, gray_profile, rgb_profile

from garasu.images.modes import PictureWarning, flat, gray, standard

EVERY_MODE = [
    *("1", "CMYK", "F", "HSV", "I", "I;16", "I;16B", "I;16L", "L", "LA", "La", "LAB", "P", "PA", "RGB", "RGBA"),
    *("RGBa", "RGBX", "YCbCr"),
]


def levels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(int)


def tagged(mode: str, colour: int | tuple[int, ...], profile: bytes) -> Image.Image:
    picture = Image.new(mode, (4, 4), colour)
    picture.info["icc_profile"] = profile
    return picture


def srgb(linear: float) -> int:
    """IEC 61966-2-1."""
    return round(255 * (12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055))


def linear(encoded: float) -> float:
    """The way back."""
    return encoded / 12.92 if encoded <= 0.04045 else ((encoded + 0.055) / 1.055) ** 2.4


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_every_mode_of_pillow_has_its_colours(mode):
    picture = Image.new(mode, (5, 3))
    assert standard(picture).mode == ("RGBA" if picture.has_transparency_data else "RGB")
    assert gray(picture).mode == "L"
    assert standard(picture).size == gray(picture).size == (5, 3)


def test_colours_multiplied_by_alpha_are_divided_again():
    picture = Image.new("RGBA", (4, 4), (200, 100, 50, 128))
    assert np.abs(np.subtract(standard(picture.convert("RGBa")).getpixel((0, 0)), (200, 100, 50, 128))).max() <= 1


@pytest.mark.parametrize("kind", ["<u2", ">u2"])
def test_sixteen_bits_are_divided_not_clipped(kind):
    wide = np.array([[0, 128, 129, 32768, 65535]], dtype=kind)
    assert levels(gray(Image.fromarray(wide))).tolist() == [[0, 0, 1, 128, 255]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 0.5, 128.4], [0, 0, 128]),
        ([-1.0, 0.0, 3.0], [0, 64, 255]),
        ([0.0, float("nan"), 1.0], [0, 0, 255]),
        ([7e9, 7e9, 7e9], [0, 0, 0]),  # no range at all
    ],
)
def test_floats_are_taken_from_the_range_that_they_fit(values, expected):
    assert levels(gray(Image.fromarray(np.array([values], dtype=np.float32)))).tolist() == [expected]


def test_whole_numbers_above_sixteen_bits_are_stretched():
    values = np.array([[0, 2**30, 2**31 - 1]], dtype=np.int32)
    assert levels(gray(Image.fromarray(values))).tolist() == [[0, 128, 255]]
    assert levels(gray(Image.fromarray(values // 2**15))).tolist() == [[0, 128, 255]]  # 16 bits, divided by 257


def test_one_transparent_gray_of_sixteen_bits():
    picture = Image.fromarray(np.array([[5, 6]], dtype=np.uint16))
    picture.info["transparency"] = 6
    assert levels(standard(picture).getchannel("A")).tolist() == [[255, 0]]


def test_a_transparent_colour_named_in_sixteen_bits():
    picture = Image.fromarray(np.array([[[1, 2, 3], [1, 2, 4]]], dtype=np.uint8))
    picture.info["transparency"] = (0x0102, 0x0203, 0x0304)
    assert levels(standard(picture).getchannel("A")).tolist() == [[0, 255]]


def test_an_alpha_that_is_opaque_everywhere_is_dropped():
    assert standard(Image.new("RGBA", (4, 4), (1, 2, 3, 255))).mode == "RGB"
    assert standard(Image.new("RGBA", (4, 4), (1, 2, 3, 254))).mode == "RGBA"


def test_the_background_shows_through_in_proportion():
    picture = Image.new("RGBA", (4, 4), (200, 100, 0, 51))  # a fifth
    assert flat(picture, "white").getpixel((0, 0)) == (244, 224, 204)
    opaque = np.random.default_rng(0).integers(0, 256, (8, 8, 4), dtype=np.uint8)
    opaque[..., 3] = 255
    assert np.array_equal(flat(Image.fromarray(opaque), "red"), opaque[..., :3])


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (tagged("RGB", (128, 20, 0), rgb_profile()), (srgb(128 / 255), srgb(20 / 255), 0)),
        (tagged("RGB", (128, 20, 0), rgb_profile(red=GREEN, green=RED)), (srgb(20 / 255), srgb(128 / 255), 0)),
        (tagged("RGBA", (128, 20, 0, 9), rgb_profile()), (srgb(128 / 255), srgb(20 / 255), 0, 9)),
        (tagged("L", 128, gray_profile()), (srgb(128 / 255),) * 3),
        (tagged("L", 128, rgb_profile()), (srgb(128 / 255),) * 3),
        (tagged("1", 1, gray_profile()), (255, 255, 255)),
        (tagged("CMYK", (255, 0, 0, 0), cmyk_profile()), (0, 0, 0)),
        (tagged("CMYK", (0, 255, 255, 255), cmyk_profile()), (255, 255, 255)),
    ],
)
def test_profiles_are_turned_into_srgb(recwarn, picture, expected):
    assert np.abs(np.subtract(standard(picture).getpixel((1, 1)), expected)).max() <= 1
    assert standard(picture).info == {}  # Pillow would save the old profile with the new colours
    assert list(recwarn) == []


def test_the_profile_of_srgb_changes_no_pixel():
    """Nor does one that differs by rounding, which would move some levels by 1; but a little more counts."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    curve = [linear(at / 1023) for at in range(1024)]
    profiles = [
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        *(rgb_profile((RED[0] + off, *RED[1:]), curve=curve) for off in (0, 0.0002, 0.002)),
    ]
    moved = []
    for profile in profiles:
        picture = Image.fromarray(noise)
        picture.info["icc_profile"] = profile
        moved.append(np.abs(levels(standard(picture)) - noise).max())
    assert moved[:3] == [0, 0, 0]
    assert moved[3] > 1


@pytest.mark.parametrize(
    ("mode", "profile", "why"),
    [
        ("RGB", b"no profile", "cannot open"),
        ("RGB", rgb_profile()[:200], r"its colour profile is left out \(.+\)"),
        ("RGB", gray_profile(), "it is for GRAY, the picture is RGB"),
        ("CMYK", rgb_profile(), "it is for RGB, the picture is CMYK"),
    ],
)
def test_a_profile_that_cannot_be_used_is_left_out_with_a_warning(mode, profile, why):
    picture = Image.new(mode, (4, 4), (10, 20, 30, 0)[: len(mode)])
    bare = standard(picture)
    picture.info["icc_profile"] = profile
    with pytest.warns(PictureWarning, match=why):
        assert standard(picture).tobytes() == bare.tobytes()


def test_masks_are_read_without_their_profile():
    assert gray(tagged("L", 128, gray_profile())).getpixel((0, 0)) == 128
