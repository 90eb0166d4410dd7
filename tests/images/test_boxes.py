import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from garasu.images.boxes import Box

SIZE = (100, 60)


def test_a_box_crops_a_picture_and_slices_an_array_alike():
    pixels = np.arange(60 * 100, dtype=np.int32).reshape(60, 100)
    box = Box(10, 20, 15, 28)
    assert box.size == (5, 8)
    assert np.array_equal(np.asarray(Image.fromarray(pixels).crop(box)), pixels[box.slices])


def test_boxes_of_cells_are_boxes_of_pixels():
    assert Box(1, 2, 3, 5).scaled(8) == (8, 16, 24, 40)


@pytest.mark.parametrize(
    ("box", "pixels", "expected"),
    [(Box(10, 10, 20, 20), 5, (5, 5, 25, 25)), (Box(2, 50, 99, 58), 5, (0, 45, 100, 60))],
)
def test_padding_ends_at_the_picture(box, pixels, expected):
    assert box.padded(pixels, SIZE) == expected


@pytest.mark.parametrize(
    ("box", "aspect", "expected"),
    [
        (Box(10, 20, 20, 30), 1, (10, 20, 20, 30)),
        (Box(10, 20, 20, 30), 2, (5, 20, 25, 30)),
        (Box(10, 20, 20, 30), 0.5, (10, 15, 20, 35)),
        (Box(0, 20, 10, 30), 2, (0, 20, 20, 30)),  # moved back inside, left
        (Box(90, 20, 100, 30), 2, (80, 20, 100, 30)),  # and right
        (Box(0, 0, 100, 20), 1, (0, 0, 100, 60)),  # the picture is not high enough
    ],
)
def test_a_box_grows_to_an_aspect(box, aspect, expected):
    assert box.shaped(aspect, SIZE) == expected


@given(st.data(), st.floats(0.2, 5))
@settings(max_examples=50, deadline=None)
def test_a_shaped_box_holds_the_old_one_lies_inside_and_has_the_aspect(data, aspect):
    left, top = data.draw(st.integers(0, 99)), data.draw(st.integers(0, 59))
    box = Box(left, top, data.draw(st.integers(left + 1, 100)), data.draw(st.integers(top + 1, 60)))
    shaped = box.shaped(aspect, SIZE)
    assert 0 <= shaped.left <= box.left < box.right <= shaped.right <= 100
    assert 0 <= shaped.top <= box.top < box.bottom <= shaped.bottom <= 60
    width, height = shaped.size
    right = abs(width - height * aspect) <= 0.5 or abs(height - width / aspect) <= 0.5
    assert right or width == 100 or height == 60
