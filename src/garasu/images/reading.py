"""Picture files, opened as their owner expects to see them: upright, in sRGB, transparent parts on white."""

import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from garasu.images.modes import PictureWarning, flat, standard

MOST_PIXELS = 128 * 2**20  # 134 million: any camera's picture; a larger one is a mistake or an attack
_RUNS_PROGRAMS = {"EPS", "WMF"}  # Pillow has these drawn by other programs on this machine


class PictureError(ValueError):
    """A file that is no picture that can be read, with what to do about it."""


@dataclass(frozen=True)
class Input:
    """A picture that someone gave, ready to work on. Both views have 8 bits a channel and the same size."""

    image: Image.Image  # RGB, on the background where transparent: what the networks see
    original: Image.Image  # the same without the background: RGB, or RGBA if any pixel lets light through

    @property
    def alpha(self) -> Image.Image | None:
        """How opaque each pixel is, "L", 0 (transparent) to 255; None if all are opaque."""
        return self.original.getchannel("A") if self.original.mode == "RGBA" else None


def read_input(path: str | Path, *, background: str = "white") -> Input:
    """A picture file, whatever its format and mode; of an animation the first frame. See `as_input`.

    Raises FileNotFoundError, or PictureError if it is no picture or has more than `MOST_PIXELS`.
    """
    return as_input(open_picture(path), background=background)


def as_input(picture: Image.Image, *, background: str = "white") -> Input:
    """A picture of any mode: turned as its EXIF says, its colour profile turned into sRGB, 8 bits a channel.

    `background` is a colour that Pillow knows ("white", "#808080"); it shows through transparent
    pixels. Warns (PictureWarning) about EXIF or a profile that cannot be read, and leaves it out.
    """
    original = standard(upright(picture))
    return Input(flat(original, background), original)


def read_picture(path: str | Path) -> Image.Image:
    """A picture file as RGB: `read_input(path).image`."""
    return read_input(path).image


def open_picture(path: str | Path) -> Image.Image:
    """A picture file as it is: its own mode, orientation, profile and `info`. Raises as `read_input`."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no picture file {path}")
    with Path(path).open("rb") as file:
        return _decode(file, str(path))


def picture_from(data: bytes, name: str = "the picture") -> Image.Image:
    """As `open_picture`, of a file's bytes; `name` stands in the errors' sentences."""
    return _decode(BytesIO(data), name)


def upright(picture: Image.Image) -> Image.Image:
    """The picture turned and mirrored as its EXIF orientation says; warns (PictureWarning) if that is damaged."""
    try:
        return ImageOps.exif_transpose(picture)
    except Exception as problem:  # readers of EXIF raise anything on damaged bytes
        warnings.warn(PictureWarning(f"its EXIF cannot be read ({_why(problem)}): taken as upright"), stacklevel=2)
        return picture


def _decode(file: BinaryIO, name: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit here is our own
            picture = Image.open(file)
    except Image.DecompressionBombError as problem:
        raise _too_large(name) from problem
    except Exception as problem:  # as below
        raise _unreadable(name, problem) from problem
    if picture.width * picture.height > MOST_PIXELS:  # only its header was read so far
        raise _too_large(name)
    if picture.format in _RUNS_PROGRAMS:
        raise PictureError(f"{name} is a drawing ({picture.format}), not a picture of pixels: save it as PNG")
    try:
        picture.load()  # pixels too: text chunks may stand behind them
    except Exception as problem:  # decoders raise anything on damaged bytes, from SyntaxError to struct.error
        raise _unreadable(name, problem) from problem
    return picture


def _too_large(name: str) -> PictureError:
    return PictureError(f"{name} has more than {MOST_PIXELS // 10**6} million pixels: make it smaller first")


def _unreadable(name: str, problem: Exception) -> PictureError:
    return PictureError(f"{name} is not a picture that can be read ({_why(problem)}): save it again as PNG or JPEG")


def _why(problem: Exception) -> str:
    if isinstance(problem, UnidentifiedImageError):  # its own text shows an object's address
        return "its format is not known here, or it is empty"
    return " ".join(str(problem).split()) or type(problem).__name__
