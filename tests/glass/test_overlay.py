"""Heat over a picture."""

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("matplotlib")

from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from garasu.glass.overlay import heated, inscribe, panel


def test_the_least_is_dark_and_the_greatest_bright():
    heat = torch.tensor([[0.0, 1.0], [2.0, 4.0]])
    shown = np.asarray(heated(Image.new("RGB", (2, 2), (100, 100, 100)), heat), dtype=float)
    for place, value in (((0, 0), 0.0), ((0, 1), 0.25), ((1, 0), 0.5), ((1, 1), 1.0)):
        color = np.array(colormaps["viridis"](value)[:3])
        np.testing.assert_allclose(shown[place], 0.65 * 255 * color + 0.35 * 100, atol=0.51)


def test_the_scale_can_be_given_and_an_even_map_is_shown():
    picture = Image.new("RGB", (4, 4), "white")
    assert heated(picture, torch.full((2, 2), 3.0)).getpixel((0, 0)) == heated(picture, torch.zeros(2, 2)).getpixel(
        (0, 0)
    )
    half = heated(picture, torch.ones(2, 2), low=0, high=2).getpixel((1, 1))
    assert half == heated(picture, torch.full((2, 2), 0.5), low=0, high=1).getpixel((1, 1))


def test_a_panel_stands_where_its_inches_say():
    page = Figure(figsize=(10, 5))
    assert np.allclose(panel(page, 1, 0.5, 2, 1.5).get_position().bounds, (0.1, 0.6, 0.2, 0.3))


@pytest.mark.parametrize("width", [8, 12])
def test_a_long_title_and_caption_stay_on_the_page(width):
    figure = Figure(figsize=(width, 4), dpi=100)
    inscribe(figure, "a black cat with yellow eyes on a wooden bench " * 5, "What one sees are words, and words. " * 9)
    FigureCanvasAgg(figure).draw()
    for text in figure.texts:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= width * 100
    assert figure.texts[0].get_text().endswith(" …")
