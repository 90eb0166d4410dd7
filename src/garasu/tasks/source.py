"""The pictures that a recipe starts from: found by name, known by what they show."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PIL import Image

from garasu.images.reading import Input, as_input, read_input
from garasu.tasks.refusal import RecipeError

Given = Image.Image | str | Path
"""A picture in memory, or its file."""


def given(picture: Given | None, name: str, field: str = "image") -> Input:
    """The picture that was handed over, else the file that the recipe names in ``field``.

    Raises:
        RecipeError: there is neither.
        FileNotFoundError, PictureError: the file is not there, or cannot be read.
    """
    if isinstance(picture, Image.Image):
        return as_input(picture)
    if picture is None and not name:
        raise RecipeError(f"{field} is missing: give a picture file")
    return read_input(picture or name)


def public_name(picture: Given | None, name: str) -> str:
    """What a finished picture says of its source: the file's name without its folder, nothing for one in memory."""
    if isinstance(picture, Image.Image):
        return ""
    return Path(picture or name).name


def fingerprint(picture: Image.Image) -> str:
    """SHA-256 of mode, size and pixels, 64 digits: the same for the same picture in any file format."""
    digest = hashlib.sha256(f"{picture.mode} {picture.width}x{picture.height}\n".encode())
    digest.update(picture.tobytes())
    return digest.hexdigest()


def check(picture: Image.Image, expected: str, name: str) -> str:
    """The picture's fingerprint.

    Raises:
        RecipeError: another was expected: the file has changed since the recipe was written.
    """
    found = fingerprint(picture)
    if expected not in ("", found):
        raise RecipeError(f"{name or 'the picture'} is not the one that the recipe was made with: its pixels differ")
    return found
