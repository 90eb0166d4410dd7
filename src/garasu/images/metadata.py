"""Text that travels inside a PNG: our recipe (chunk "garasu", JSON) and A1111's text (chunk "parameters")."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from garasu.images.reading import open_picture
from garasu.images.saving import check_writable, whole_file

OURS = "garasu"
A1111 = "parameters"


class MetadataError(ValueError):
    """A picture that does not carry what was asked of it, or carries it damaged."""


@dataclass(frozen=True)
class Metadata:
    """What a picture says about itself; either may be missing."""

    ours: Mapping[str, Any] | None = None
    parameters: str | None = None


def save_png(picture: Image.Image, path: str | Path, metadata: Metadata) -> None:
    """Write a PNG with its metadata; the file appears whole or not at all. Raises as `check_png_name`."""
    check_png_name(path)
    chunks = PngInfo()
    if metadata.ours is not None:
        chunks.add_itxt(OURS, json.dumps(metadata.ours, ensure_ascii=False))
    if metadata.parameters is not None:
        chunks.add_text(A1111, metadata.parameters)  # tEXt, or iTXt where Latin-1 does not suffice: as A1111 does
    with whole_file(path) as beside:
        picture.save(beside, format="PNG", pnginfo=chunks)


def check_png_name(path: str | Path) -> None:
    """Ask before long work whether a picture can be saved there.

    Raises ValueError for another extension than .png, because other formats would lose the recipe,
    and OSError for a place that cannot be written to.
    """
    if Path(path).suffix.lower() != ".png":
        raise ValueError(f"{path}: garasu writes PNG files, which carry the recipe: name it {Path(path).stem}.png")
    check_writable(path)


def read_metadata(path: str | Path) -> Metadata:
    """Read both texts of a picture. Raises as `open_picture`, or MetadataError for a recipe that is damaged."""
    texts = open_picture(path).info
    ours, parameters = texts.get(OURS), texts.get(A1111)
    return Metadata(None if ours is None else _recipe(str(ours), path), None if parameters is None else str(parameters))


def _recipe(text: str, path: str | Path) -> Mapping[str, Any]:
    try:
        recipe = json.loads(text)
    except json.JSONDecodeError as problem:
        raise MetadataError(f"{path}: its garasu chunk is not JSON ({problem})") from problem
    if not isinstance(recipe, dict):
        raise MetadataError(f"{path}: its garasu chunk is not a JSON object")
    return recipe
