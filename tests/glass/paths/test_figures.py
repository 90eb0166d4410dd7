"""What stands in the figures of paths."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from tests.glass.paths.test_map import wandering

from garasu.glass.paths.compare import compare_paths
from garasu.glass.paths.compare_figure import caption as compared
from garasu.glass.paths.compare_figure import compare_figure
from garasu.glass.paths.drawing import listed, strip
from garasu.glass.paths.fan import fan
from garasu.glass.paths.fan_figure import caption as fanned
from garasu.glass.paths.fan_figure import fan_figure
from garasu.glass.paths.map import path_map
from garasu.glass.paths.map_figure import caption as mapped
from garasu.glass.paths.map_figure import map_figure
from garasu.glass.paths.swaps import ALL, Swap, Swaps
from garasu.tasks.txt2img import Txt2Img

FOUND = Swaps(
    (Swap("prompt", 0, 8.0, 1.0, 1.0), Swap("cat → dog", 0, 8.0, 0.7, 0.9)),
    (Swap(ALL, 0, 8.0, 1.0, 1.0), Swap(ALL, 2, 2.0, 0.4, 0.6)),
)


def drawn(figure: Figure) -> Figure:
    figure.canvas.draw()
    return figure


def lines(axes) -> dict[str, np.ndarray]:
    return {line.get_label(): np.asarray(line.get_ydata()) for line in axes.lines}


def test_a_comparison_shows_distances_shares_and_swaps(tiny):
    made = compare_paths([wandering(0), wandering(1)])
    figure = drawn(compare_figure(tiny, made, FOUND))
    _, distances, shares, alone, later = figure.axes
    curves = lines(distances)
    assert np.array_equal(curves["x0"], made.distances[0].x0)
    assert np.array_equal(curves["latent"], made.distances[0].latent)
    assert np.array_equal(curves["latent / σ"], made.distances[0].hidden)
    assert np.array_equal(lines(shares)["1"], made.distances[0].share)
    assert [bar.get_width() for bar in alone.patches] == [1.0, 0.7]
    assert [label.get_text() for label in alone.get_yticklabels()] == ["prompt", "cat → dog"]
    assert later.lines[0].get_xdata().tolist() == [8.0, 2.0]
    assert distances.get_xlim() == (8.0, 1.0)  # from noise to picture
    assert len(compare_figure(tiny, made).axes) == 3


def test_the_captions_say_what_was_computed(tiny):
    made = compare_paths([wandering(0), wandering(1)])
    said = compared(made, FOUND)
    assert f"end {made.distances[0].final:.2f} apart; by itself, “cat → dog” goes 70% of the way;" in said
    assert "until σ = 2.5 the first can still be turned half of the way" in said
    assert compared(compare_paths([wandering(0), wandering(0)])) == "0 and 0 end in the same place."
    plane = path_map([wandering(0), wandering(1)])
    assert f"{sum(plane.explained):.0%} of their variance" in mapped(plane)


def test_a_strip_shows_decoded_steps_and_the_end(tiny):
    one = wandering(3)
    steps, (row,) = strip(tiny, [one], 3)
    assert steps == (0, 2, 3)
    assert [picture.tobytes() for picture in row] == [
        tiny.decode(latent[None]).tobytes() for latent in (one.x0[0], one.x0[2], one.x0[3], one.finished)
    ]
    assert listed(["short", "much too long a label"], 10) == ["short", "much too …"]


def test_a_fan_shows_every_path_and_its_end(tiny):
    made = fan(tiny, Txt2Img(prompt="a black cat", seed=7, steps=6, guidance_scale=5), count=3, size=0.1)
    figure = drawn(fan_figure(made))
    distances, *ends = figure.axes
    assert [line.get_ydata().tolist() for line in distances.lines[:3]] == made.distances.tolist()
    mean = lines(distances)["latents, x/√(1+σ²): geometric mean"]
    assert mean == pytest.approx(np.exp(np.log(made.distances).mean(axis=0)))
    for picture, axes in zip(made.pictures, ends, strict=True):
        assert np.array_equal(axes.images[0].get_array(), np.asarray(picture))
    assert ends[0].get_title() == "the run"
    assert fanned(made).startswith("3 changes of 0.1 in the noise end ")
    assert fanned(made).endswith(", in one picture.")


def test_a_fan_of_the_prompt_begins_at_no_distance(tiny):
    made = fan(tiny, Txt2Img(prompt="a black cat", seed=7, steps=6), count=2, size=0.1, of="prompt")
    first = drawn(fan_figure(made)).axes[0].lines[0].get_ydata()
    assert np.isnan(first[0])
    assert first[1:].tolist() == made.distances[0, 1:].tolist()


@pytest.mark.parametrize("count", [2, 5, 20])
def test_a_map_shows_ways_and_up_to_sixteen_ends(tiny, count):
    made = path_map([wandering(seed) for seed in range(count)])
    figure = drawn(map_figure(tiny, made))
    plane, *others = figure.axes
    for way, points in zip(plane.lines[::2], made.points, strict=True):
        assert np.array_equal(way.get_xydata(), points)
    ends = others[:-1]
    assert len(ends) == min(count, 16)
    for axes in ends:
        (picture,) = tiny.decode_each(made.paths[int(axes.get_title())].finished[None])
        assert np.array_equal(axes.images[0].get_array(), np.asarray(picture))


def test_ends_stand_on_their_side_of_the_map_from_top_to_bottom(tiny):
    made = path_map([wandering(seed) for seed in range(6)])
    shown = [int(axes.get_title()) for axes in map_figure(tiny, made).axes[1:-1]]
    left, right = shown[:3], shown[3:]
    assert made.ends[left, 0].max() <= made.ends[right, 0].min()
    for side in (left, right):
        assert (np.diff(made.ends[side, 1]) <= 0).all()


def test_ends_that_are_decoded_already_are_not_decoded_again(tiny):
    made = path_map([wandering(seed) for seed in range(5)])
    known = [Image.new("RGB", (64, 64), (index, 0, 0)) for index in range(5)]
    for axes in map_figure(tiny, made, pictures=known).axes[1:-1]:
        assert np.array_equal(axes.images[0].get_array(), np.asarray(known[int(axes.get_title())]))
