"""Contact sheets: several pictures on one page, each with a word beneath it."""

from collections.abc import Sequence
from math import ceil, sqrt

from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_PAPER = "white"
_INK = "black"
_MOST_LINES = 3


def sheet(
    pictures: Sequence[Image.Image], labels: Sequence[str] = (), *, columns: int | None = None, gap: int = 8
) -> Image.Image:
    """Lay pictures out in rows, left to right, on white paper.

    Each cell is as large as the largest picture, and has room beneath for the longest label, up to
    three lines; what is longer ends in "…". `columns` defaults to about as many as there are rows;
    `gap` is in pixels.
    """
    if not pictures:
        raise ValueError("a sheet needs at least one picture")
    columns = columns or ceil(sqrt(len(pictures)))
    width, height = (max(picture.size[axis] for picture in pictures) for axis in (0, 1))
    font = ImageFont.load_default(size=max(10, min(20, width // 16)))
    written = ["\n".join(_lines(label, font, width)) for label in labels]
    room = max((_height(text, font) for text in written), default=0)
    rows = ceil(len(pictures) / columns)
    page = Image.new("RGB", (columns * (width + gap) + gap, rows * (height + room + gap) + gap), _PAPER)
    for index, picture in enumerate(pictures):
        left = gap + index % columns * (width + gap)
        top = gap + index // columns * (height + room + gap)
        page.paste(picture.convert("RGB"), (left, top))
        if index < len(written):
            ImageDraw.Draw(page).multiline_text((left, top + height), written[index], _INK, font)
    return page


def _lines(label: str, font: Font, width: int) -> list[str]:
    """The label in at most three lines that fit the width, broken between words where there are any."""
    lines = [""]
    for word in label.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], " ".join(lines[_MOST_LINES - 1 :])]
    return [_cut(line, font, width) for line in lines]


def _cut(line: str, font: Font, width: int) -> str:
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(line + "…") > width:
        line = line[:-1].rstrip()
    return line + "…"


def _height(text: str, font: Font) -> int:
    box = ImageDraw.Draw(Image.new("1", (1, 1))).multiline_textbbox((0, 0), text, font)
    return ceil(box[3]) + 4 if text else 0
