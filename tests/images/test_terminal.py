"""Pictures for terminals, decoded back by small decoders written here from the protocols' descriptions."""

from __future__ import annotations

import re
from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from garasu.images.terminal import PROTOCOLS, blocks, detect, iterm, kitty, placed, shown, sixel


def colorful(width: int, height: int) -> Image.Image:
    """Few colours in large areas, so that a palette holds them all."""
    cells = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)
    return Image.fromarray(cells).resize((width, height), Image.Resampling.NEAREST)


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8))


def from_blocks(data: bytes) -> Image.Image:
    rows = []
    for line in data.decode().split("\r\n"):
        cells = re.findall(r"\x1b\[38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m▀", line.removesuffix("\x1b[0m"))
        colors = np.array(cells, np.uint8)  # [W, 6]
        rows += [colors[:, :3], colors[:, 3:]]
    return Image.fromarray(np.stack(rows))


def from_kitty(data: bytes) -> tuple[dict[str, str], Image.Image]:
    commands = re.findall(rb"\x1b_G(.*?);(.*?)\x1b\\", data)
    assert b"".join(b"\x1b_G%s;%s\x1b\\" % pair for pair in commands) == data, "nothing stands between the commands"
    keys = [dict(pair.split("=") for pair in one.decode().split(",")) for one, _ in commands]
    assert [one["m"] for one in keys] == ["1"] * (len(keys) - 1) + ["0"]
    assert all(len(chunk) <= 4096 for _, chunk in commands)
    assert all(len(chunk) % 4 == 0 for _, chunk in commands)
    return keys[0], Image.open(BytesIO(b64decode(b"".join(chunk for _, chunk in commands))))


def from_iterm(data: bytes) -> tuple[dict[str, str], Image.Image]:
    match = re.fullmatch(rb"\x1b\]1337;File=([^:]*):([^\x07]*)\x07", data)
    assert match is not None
    return dict(pair.split("=") for pair in match[1].decode().split(";")), Image.open(BytesIO(b64decode(match[2])))


def from_sixel(data: bytes) -> Image.Image:
    """A DEC terminal in small: raster attributes, palette, repeats, carriage return and new line."""
    match = re.fullmatch(r'\x1bP0;1q"1;1;(\d+);(\d+)(.*)\x1b\\', data.decode(), re.DOTALL)
    assert match is not None
    width, height = int(match[1]), int(match[2])
    page, palette = np.zeros((height + 6, width, 3), np.uint8), {}
    x = y = color = 0
    for define, rgb, select, count, character in re.findall(
        r"#(\d+);2;(\d+;\d+;\d+)|#(\d+)|(?:!(\d+))?([?-~$-])", match[3]
    ):
        if define:
            palette[int(define)] = np.round(np.array(rgb.split(";"), float) * 2.55).astype(np.uint8)
        elif select:
            color = int(select)
        elif character == "$":
            x = 0
        elif character == "-":
            x, y = 0, y + 6
        else:
            times = int(count or 1)
            for bit in range(6):
                if (ord(character) - 63) >> bit & 1:
                    page[y + bit, x : x + times] = palette[color]
            x += times
            assert x <= width
    assert not page[height:].any()
    return Image.fromarray(page[:height])


def off(one: Image.Image, other: Image.Image) -> int:
    assert one.size == other.size
    return int(np.abs(np.asarray(one.convert("RGB")).astype(int) - np.asarray(other)).max())


def test_half_blocks_hold_every_pixel():
    assert off(from_blocks(blocks(noise(7, 10))), noise(7, 10)) == 0


def test_kitty_holds_every_pixel_in_chunks():
    keys, picture = from_kitty(kitty(noise(120, 80), 40, 13))
    assert off(picture, noise(120, 80)) == 0
    assert keys == {"a": "T", "f": "100", "i": "1", "p": "1", "q": "2", "C": "1", "c": "40", "r": "13", "m": "1"}
    assert from_kitty(kitty(colorful(5, 4), 10, 4))[0]["m"] == "0"


def test_iterm_holds_every_pixel():
    keys, picture = from_iterm(iterm(noise(30, 20), 40, 13))
    assert off(picture, noise(30, 20)) == 0
    assert (keys["inline"], keys["width"], keys["height"], keys["doNotMoveCursor"]) == ("1", "40", "13", "1")
    assert int(keys["size"]) > 30 * 20 * 3  # noise cannot be packed


@pytest.mark.parametrize("size", [(50, 40), (50, 41), (5, 6), (64, 1)])
def test_sixels_hold_every_pixel_to_a_percent(size):
    assert off(from_sixel(sixel(colorful(*size))), colorful(*size)) <= 2  # its colours are whole percents


def test_sixels_of_many_colours_are_near():
    smooth = Image.linear_gradient("L").resize((96, 60)).convert("RGB")
    assert off(from_sixel(sixel(smooth)), smooth) < 10


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_all_take_the_rows_that_they_say(protocol):
    data, rows = shown(noise(64, 32), protocol, 40)
    assert rows == 10
    pictures = {
        "kitty": lambda: from_kitty(data)[1].size,
        "iterm": lambda: from_iterm(data)[1].size,
        "sixel": lambda: from_sixel(data).size,
        "blocks": lambda: from_blocks(data).size,
    }
    sizes = {"kitty": (64, 32), "iterm": (64, 32), "sixel": (400, 200), "blocks": (40, 20)}
    assert pictures[protocol]() == sizes[protocol]
    assert shown(noise(64, 1), protocol, 4)[1] == 1


def test_no_more_is_sent_than_can_be_seen():
    assert from_kitty(shown(noise(900, 600), "kitty", 20)[0])[1].size == (200, 140)


def test_the_cursor_ends_below_the_picture():
    first, again = placed(b"PICTURE", 3, over=False), placed(b"PICTURE", 3, over=True)
    assert first == b"\n\n\n" + again
    assert again == b"\r\x1b[3A\x1b7PICTURE\x1b8\x1b[3B\r"


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "xterm-ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "iterm"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "iterm"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "xterm-sixel"}, "sixel"),
        ({"TERM": "xterm-256color"}, "blocks"),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, "blocks"),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux"}, "blocks"),
        ({"TERM": "dumb"}, None),
        ({}, None),
    ],
)
def test_a_terminal_is_known_by_its_environment(environment, protocol):
    assert detect(environment) == protocol
