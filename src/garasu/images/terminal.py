"""Pictures in a terminal: the graphics protocols of kitty and iTerm2, sixels, or half blocks in 24-bit colour.

Every function gives the bytes to write and writes nothing. A picture is given as many columns as is said, and rows so
that its sides keep their ratio on cells that are twice as high as wide.
"""

from __future__ import annotations

from base64 import standard_b64encode
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Protocol = Literal["kitty", "sixel", "iterm", "blocks"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

_CELL = (10, 20)  # pixels, of the VT340, which sixel terminals take as their measure
_SIXEL_COLORS = 32
_CHUNK = 4096  # bytes of base64 in one command of kitty's protocol


def detect(environment: Mapping[str, str]) -> Protocol | None:
    """What the terminal of these environment variables can show; None for one that can show no picture at all.

    Half blocks where nothing better is known: inside tmux and screen, which keep graphics to themselves, too.
    """
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if term in ("", "dumb"):
        return None
    if "TMUX" in environment or term.startswith(("tmux", "screen")):
        return "blocks"
    if "KITTY_WINDOW_ID" in environment or term in ("xterm-kitty", "xterm-ghostty") or program == "ghostty":
        return "kitty"
    if program in ("iTerm.app", "WezTerm", "mintty") or environment.get("LC_TERMINAL") == "iTerm2":
        return "iterm"
    if term.startswith(("foot", "mlterm", "yaft", "contour")) or "sixel" in term:
        return "sixel"
    return "blocks"


def shown(picture: Image.Image, protocol: Protocol, columns: int) -> tuple[bytes, int]:
    """A picture in so many columns: the bytes, and how many rows of the terminal it takes."""
    picture = picture.convert("RGB")
    rows = max(1, round(columns * picture.height / picture.width / 2))
    if picture.width > columns * _CELL[0]:  # more than can be seen
        picture = _scaled(picture, columns * _CELL[0], rows * _CELL[1])
    match protocol:
        case "kitty":
            return kitty(picture, columns, rows), rows
        case "iterm":
            return iterm(picture, columns, rows), rows
        case "sixel":
            return sixel(_scaled(picture, columns * _CELL[0], rows * _CELL[1])), rows
        case "blocks":
            return blocks(_scaled(picture, columns, 2 * rows)), rows


def placed(picture: bytes, rows: int, *, over: bool) -> bytes:
    """A picture's bytes such that the cursor ends at the start of the line below it, whatever drawing did to it.

    `over` draws it over the one of as many rows that was written just before.
    """
    room = b"" if over else b"\n" * rows  # scrolls, if it must, before anything is drawn
    return b"%s\r\x1b[%dA\x1b7%s\x1b8\x1b[%dB\r" % (room, rows, picture, rows)


def blocks(picture: Image.Image) -> bytes:
    """Two pixels a cell, the upper as the colour of an upper half block, the lower as its background."""
    pixels = np.asarray(picture)  # [H, W, 3], H even
    lines = zip(pixels[0::2], pixels[1::2], strict=True)
    return "\r\n".join("".join(map(_cell, upper, lower)) + "\x1b[0m" for upper, lower in lines).encode()


def kitty(picture: Image.Image, columns: int, rows: int) -> bytes:
    """kitty's graphics protocol: a PNG in base64, scaled to cells; always the same image, so that it is replaced."""
    data = standard_b64encode(_png(picture))
    chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    first = b"a=T,f=100,i=1,p=1,q=2,C=1,c=%d,r=%d," % (columns, rows)  # q=2: no answer, C=1: the cursor stays
    return b"".join(
        b"\x1b_G%sm=%d;%s\x1b\\" % (first if index == 0 else b"", index < len(chunks) - 1, chunk)
        for index, chunk in enumerate(chunks)
    )


def iterm(picture: Image.Image, columns: int, rows: int) -> bytes:
    """iTerm2's inline images: a PNG in base64, scaled to cells."""
    png = _png(picture)
    told = b"inline=1;size=%d;width=%d;height=%d;preserveAspectRatio=0;doNotMoveCursor=1" % (len(png), columns, rows)
    return b"\x1b]1337;File=%s:%s\x07" % (told, standard_b64encode(png))


def sixel(picture: Image.Image) -> bytes:
    """DEC's sixels: bands of six rows, in each a line for every colour of a palette."""
    small = picture.resize([min(side, 64) for side in picture.size], Image.Resampling.NEAREST)
    # The palette of a few pixels: of all of them it takes as long as a step of a small model.
    indexed = picture.quantize(_SIXEL_COLORS, dither=Image.Dither.NONE, palette=small.quantize(_SIXEL_COLORS))
    palette = np.asarray(indexed.getpalette()).reshape(-1, 3)
    pixels = np.asarray(indexed)  # [H, W]
    used = np.unique(pixels)
    colors = "".join("#{};2;{};{};{}".format(n, *np.round(palette[n] / 2.55).astype(int)) for n in used)
    bands = "-".join("$".join(_band(pixels[top : top + 6])) for top in range(0, len(pixels), 6))
    return f'\x1bP0;1q"1;1;{picture.width};{picture.height}{colors}{bands}\x1b\\'.encode()


def _band(rows: NDArray[np.uint8]) -> Iterator[str]:
    """A line for each colour of up to six rows: a character a column, its bits where the colour is, runs shortened."""
    colors = np.unique(rows)
    weights = 1 << np.arange(len(rows), dtype=np.uint8)
    bits = np.tensordot(weights, rows == colors[:, None, None], (0, 1)) + 63  # [colours, W]
    changes = np.ones(bits.shape, dtype=bool)
    changes[:, 1:] = bits[:, 1:] != bits[:, :-1]
    lines, starts = np.nonzero(changes)
    ends = np.append(starts[1:], 0)
    ends[ends == 0] = rows.shape[1]
    characters = bits[changes].tolist()
    runs: list[list[str]] = [[f"#{color}"] for color in colors]
    for line, character, length in zip(lines.tolist(), characters, (ends - starts).tolist(), strict=True):
        runs[line].append(_run(chr(character), length))
    yield from map("".join, runs)


def _run(character: str, length: int) -> str:
    return f"!{length}{character}" if length > 3 else character * length


def _cell(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> str:
    return "\x1b[38;2;{};{};{};48;2;{};{};{}m▀".format(*upper, *lower)


def _scaled(picture: Image.Image, width: int, height: int) -> Image.Image:
    return picture.resize((width, height), Image.Resampling.BICUBIC)


def _png(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, format="PNG", compress_level=1)
    return file.getvalue()
