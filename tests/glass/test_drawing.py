"""Pages and panels."""

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("matplotlib")
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from garasu.glass.drawing import log_labels, page, panel_width, parts, row_width, show_map, show_picture


@pytest.mark.parametrize("width", [8.0, 12.0, 20.0])
def test_title_and_caption_stay_on_the_page(width: float) -> None:
    figure = page(4, "a black cat with yellow eyes " * 8, "What one sees is words and words. " * 9, width)
    show_picture(figure.subplots(), Image.new("RGB", (8, 8)))
    figure.canvas.draw()
    for text in figure.texts:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= width * 100 and box.y0 >= 0 and box.y1 <= 400
    assert figure.canvas.get_width_height() == (width * 100, 400)


def test_panels_show_what_they_are_given() -> None:
    above, below = parts(page(4, "", ""), [1, 3])
    axes, values = above.subplots(), torch.tensor([[-1.0, 0.0], [0.5, 9.0]])
    drawn = show_map(axes, values, 2, "map")
    assert np.array_equal(drawn.get_array(), values)
    assert drawn.get_clim() == (-2, 2)
    assert axes.get_title() == "map"
    picture = Image.effect_noise((4, 3), 50).convert("RGB")
    axes = below.subplots()
    show_picture(axes, picture)
    assert np.array_equal(axes.images[0].get_array(), np.asarray(picture))


def test_panels_are_neither_huge_nor_tiny() -> None:
    assert [panel_width(columns) for columns in (1, 10, 50)] == [2, 1.1, 0.95]
    assert [row_width(columns) for columns in (1, 10, 50)] == [8, 12, 48.5]


@pytest.mark.parametrize(("cells", "colours"), [(8, 2), (96, 1)])
def test_a_map_is_squares_unless_there_are_more_than_can_be_drawn(cells: int, colours: int) -> None:
    """Stripes of −1 and 1 on 64 pixels: 8 are stripes, of 96 none is left out, so that all is their mean."""
    figure = Figure(figsize=(0.64, 0.64), dpi=100)
    stripes = torch.tensor([-1.0, 1.0]).repeat(cells // 2).expand(cells, cells)
    axes = figure.add_axes((0, 0, 1, 1))
    show_map(axes, stripes, 1)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    red = np.asarray(canvas.buffer_rgba())[8:-8, 8:-8, 0].astype(int)
    assert (np.ptp(red) > 60) == (colours == 2)


@pytest.mark.parametrize(
    ("values", "numbers"), [((2, 70), {"2", "5", "10", "20", "50"}), ((1.3, 2.4), {"1.4", "1.8", "2.2"})]
)
def test_a_logarithmic_axis_has_plain_numbers(values: tuple[float, float], numbers: set[str]) -> None:
    axes = Figure().subplots()
    axes.plot([1, 2], values)
    axes.set_yscale("log")
    log_labels(axes)
    FigureCanvasAgg(axes.figure).draw()
    said = {label.get_text() for label in (*axes.get_yticklabels(), *axes.get_yticklabels(minor=True))}
    assert numbers <= said
    assert not any("10^" in one for one in said)
