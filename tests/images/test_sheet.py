import numpy as np
import pytest
from PIL import Image

from garasu.images.sheet import sheet

COLOURS = ["red", "lime", "blue", "yellow", "cyan"]


def squares() -> list[Image.Image]:
    return [Image.new("RGB", (32, 48), colour) for colour in COLOURS]


def test_pictures_stand_in_reading_order():
    page = sheet(squares(), columns=2, gap=4)
    assert page.size == (2 * 36 + 4, 3 * 52 + 4)
    centres = [(4 + 16 + 36 * column, 4 + 24 + 52 * row) for row in range(3) for column in range(2)]
    seen = [page.getpixel(centre) for centre in centres]
    assert seen == [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 255, 255)]


def test_each_label_is_written_under_its_picture():
    page = np.asarray(sheet(squares()[:2], ["seed 1", ""], columns=2, gap=4).convert("L"))
    below = page[4 + 48 :]
    assert (below[:, 4:36] < 128).any()
    assert (below[:, 40:72] == 255).all()


def test_a_long_label_stays_in_its_cell():
    page = np.asarray(sheet(squares()[:2], ["a very long label indeed", ""], columns=2, gap=8).convert("L"))
    assert (page[8 + 48 :, 40:] == 255).all()


def test_an_empty_sheet_is_refused():
    with pytest.raises(ValueError, match="at least one picture"):
        sheet([])
