"""Every kind of pixel that picture files hold, as 8 bits a channel of sRGB."""

import warnings
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

_WIDE = {"I", "F", "I;16", "I;16B", "I;16L", "I;16N"}  # one channel of more than 8 bits
_GRAY = {"1", "L", "LA"}
_SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # a profile's colour space → the mode it describes


class PictureWarning(UserWarning):
    """Something in a picture file that was left out, because it cannot be read."""


def standard(picture: Image.Image) -> Image.Image:
    """The picture as RGB, or as RGBA if any of its pixels lets light through; 8 bits a channel, sRGB.

    An embedded colour profile is applied, or left out with a PictureWarning if it is damaged or of
    another colour space. Gray of 16 bits is divided by 257; see `gray` for wider kinds. CMYK without
    a profile is taken as Pillow takes it: paper minus ink.
    """
    alpha = alpha_of(picture)
    colour = _srgb(_colours(picture), picture.info.get("icc_profile"))
    if alpha is not None:
        colour.putalpha(alpha)
    colour.info = {}  # its profile and transparent colour no longer hold, and Pillow would save them with it
    return colour


def flat(picture: Image.Image, background: str = "white") -> Image.Image:
    """RGB from RGB or RGBA: transparent pixels show the background."""
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", picture.size, background), picture).convert("RGB")


def gray(picture: Image.Image) -> Image.Image:
    """The luminance as "L", numbers as they stand in the file (no profile, no alpha): for masks and other data.

    A wide range is scaled, never clipped: 16 bits from 0..65535; floats from 0..1, or else 0..255,
    if they fit; anything that fits in none of these from its own smallest and largest value. What is
    no finite number is 0.
    """
    if picture.mode in _WIDE:
        return Image.fromarray(_scaled(np.asarray(picture), picture.mode == "F"))
    return _colours(picture).convert("L")


def alpha_of(picture: Image.Image) -> Image.Image | None:
    """How opaque each pixel is ("L"), or None if all are."""
    if not picture.has_transparency_data:
        return None
    if picture.mode in _WIDE:  # one gray value is named as the transparent one
        values = np.asarray(picture)
        alpha = Image.fromarray(np.where(values == picture.info["transparency"], 0, 255).astype(np.uint8))
    else:
        alpha = _plain_alpha(_fitting_key(picture)).convert("RGBA").getchannel("A")
    return None if alpha.getextrema() == (255, 255) else alpha


def _colours(picture: Image.Image) -> Image.Image:
    """Without alpha, in one of the modes that profiles describe: "L", "RGB" or "CMYK"."""
    if picture.mode in _WIDE:
        return gray(picture)
    if picture.mode == "CMYK":
        return picture
    picture = _plain_alpha(picture)
    return picture.convert("L" if picture.mode in _GRAY else "RGB")


def _plain_alpha(picture: Image.Image) -> Image.Image:
    """Colours that were multiplied by alpha, divided again."""
    return picture.convert({"La": "LA", "RGBa": "RGBA"}.get(picture.mode, picture.mode))


def _fitting_key(picture: Image.Image) -> Image.Image:
    """A transparent colour named in 16 bits (of a picture whose low bytes Pillow has dropped), in 8."""
    key = picture.info.get("transparency")
    if picture.mode == "RGB" and isinstance(key, tuple) and max(key) > 255:
        picture = picture.copy()
        picture.info["transparency"] = tuple(level >> 8 for level in key)
    return picture


def _scaled(values: NDArray[np.generic], floats: bool) -> NDArray[np.uint8]:
    numbers = np.nan_to_num(values.astype(np.float64), posinf=0, neginf=0)
    low, high = float(numbers.min()), float(numbers.max())
    tops = [top for top in ((1.0, 255.0) if floats else (65535.0,)) if low >= 0 and high <= top]
    bottom, top = (0.0, tops[0]) if tops else (low, high)
    return np.rint((numbers - bottom) * (255 / ((top - bottom) or 1))).astype(np.uint8)


def _srgb(colours: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile:
        return colours.convert("RGB")
    try:
        transform, mode = _to_srgb(profile, colours.mode)
    except (ImageCms.PyCMSError, OSError, ValueError) as problem:
        warnings.warn(PictureWarning(f"its colour profile is left out ({problem})"), stacklevel=2)
        return colours.convert("RGB")
    source = colours.convert(mode)
    if mode != "CMYK" and _changes_nothing(transform, mode):  # pixels of sRGB stay exactly as they are
        return source.convert("RGB")
    return ImageCms.applyTransform(source, transform) or source


def _to_srgb(profile: bytes, mode: str) -> tuple[ImageCms.ImageCmsTransform, str]:
    """The transform, and the mode that it takes: gray pictures may carry a profile of RGB."""
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    takes = _SPACES.get(source.profile.xcolor_space.strip())
    if takes is None or (takes != mode and (mode, takes) != ("L", "RGB")):
        raise ValueError(f"it is for {source.profile.xcolor_space.strip()}, the picture is {mode}")
    return (
        ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            takes,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        ),
        takes,
    )


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether no colour of a grid moves by more than the one level that rounding may cost."""
    levels = np.linspace(0, 255, 18).round().astype(np.uint8)
    if mode == "RGB":
        levels = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 18, 3)
    probe = Image.fromarray(np.atleast_2d(levels))
    moved = ImageCms.applyTransform(probe, transform)
    difference = np.asarray(moved, dtype=int) - np.asarray(probe.convert("RGB"), dtype=int)
    return bool(np.abs(difference).max() <= 1)
