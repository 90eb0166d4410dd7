"""Contact sheets: several pictures on one page, each with a word beneath it."""

from collections.abc import Sequence
from itertools import zip_longest
from math import ceil, sqrt

from PIL import Image, ImageDraw, ImageFont

_PAPER = "white"
_INK = "black"


def sheet(
    pictures: Sequence[Image.Image], labels: Sequence[str] = (), *, columns: int | None = None, gap: int = 8
) -> Image.Image:
    """Lay pictures out in rows, left to right, on white paper.

    Each cell is as large as the largest picture, plus one line for its label if there are labels.
    `columns` defaults to a page about as wide as it is high; `gap` is in pixels. A label too long
    for its cell ends in "…".
    """
    if not pictures:
        raise ValueError("a sheet needs at least one picture")
    columns = columns or ceil(sqrt(len(pictures)))
    width, height = (max(picture.size[axis] for picture in pictures) for axis in (0, 1))
    line = _line_height(width) if any(labels) else 0
    rows = ceil(len(pictures) / columns)
    page = Image.new("RGB", (columns * (width + gap) + gap, rows * (height + line + gap) + gap), _PAPER)
    for index, (picture, label) in enumerate(zip_longest(pictures, labels[: len(pictures)], fillvalue=None)):
        assert picture is not None
        left = gap + index % columns * (width + gap)
        top = gap + index // columns * (height + line + gap)
        page.paste(picture.convert("RGB"), (left, top))
        if label:
            _write(page, label, (left, top + height), width, line)
    return page


def _line_height(width: int) -> int:
    return max(14, min(28, width // 12))


def _write(page: Image.Image, label: str, corner: tuple[int, int], width: int, line: int) -> None:
    font = ImageFont.load_default(size=line * 0.7)
    text = label
    while font.getlength(text) > width and len(text) > 1:
        text = text[:-2].rstrip() + "…"
    ImageDraw.Draw(page).text((corner[0], corner[1] + line * 0.1), text, fill=_INK, font=font)
