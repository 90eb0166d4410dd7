"""What stands in a journey's figure."""

import dataclasses
import sys

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tests.glass.films import film, picture, places, scenery

from garasu.glass.journey import Frame, JourneyReport, measure
from garasu.glass.journey_figure import caption, journey_figure
from garasu.glass.journey_strips import JUMP_INK
from garasu.model import StableDiffusion

COUNT = 40


def whiskered(index: int) -> np.ndarray:
    """Scenery that turns over at frame 10, with a whisker that flickers from frame 25."""
    levels = scenery()[:: 1 if index < 10 else -1] + 0.5 * index
    if 25 <= index < 31 and index % 2:
        levels[20, 30:42] -= 60
    return levels


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    words = torch.ones(2, 3)
    return [
        Frame(u, one, index**2 * words, index * words)
        for index, (u, one) in enumerate(zip(places(COUNT), film(whiskered, COUNT), strict=True))
    ]


@pytest.fixture(scope="module")
def report(tiny: StableDiffusion, frames: list[Frame]) -> JourneyReport:
    return measure(tiny, frames)


@pytest.fixture(scope="module")
def figure(report: JourneyReport, frames: list[Frame]) -> Figure:
    return journey_figure(report, frames, "over")


def axes(figure: Figure) -> tuple[Axes, Axes, Axes]:
    strip, speeds, close = figure.axes
    return strip, speeds, close


def test_the_strip_shows_frames_from_end_to_end(figure: Figure, frames: list[Frame]) -> None:
    strip, *_ = axes(figure)
    shown = [np.asarray(image.get_array()) for image in strip.images]
    assert len(shown) == 9
    assert np.array_equal(shown[0], np.asarray(frames[0].picture))
    assert np.array_equal(shown[-1], np.asarray(frames[-1].picture))
    assert [text.get_text() for text in strip.texts][::4] == ["0.00", "0.51", "1.00"]


def test_the_curves_are_the_speeds_over_their_medians(figure: Figure, report: JourneyReport) -> None:
    _, speeds, _ = axes(figure)
    curves = {line.get_label(): line for line in speeds.lines}
    assert curves["pixels"].get_ydata() == pytest.approx(np.array(report.speeds["pixels"]) / report.typical)
    assert curves["pixels"].get_xdata() == pytest.approx((np.array(report.u[1:]) + report.u[:-1]) / 2)
    latent = np.array(report.speeds["latent"])
    assert curves["latent per embedding distance"].get_ydata() == pytest.approx(latent / np.median(latent))
    assert "CLIP embedding" not in curves, "the tiny model has no image encoder"
    assert speeds.get_yscale() == "log"


def test_jumps_toggles_and_weather_are_marked(figure: Figure, report: JourneyReport) -> None:
    _, speeds, _ = axes(figure)
    dotted = [line.get_xdata()[0] for line in speeds.lines if line.get_color() == JUMP_INK]
    assert dotted == [jump.at for jump in report.jumps] == [pytest.approx(9.5 / 39)]
    (toggles,) = [line.get_xdata() for line in speeds.lines if line.get_label() == "a detail toggles"]
    assert toggles == pytest.approx([(frame - 0.5) / 39 for frame in range(25, 31)])
    bands = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in speeds.patches]
    assert bands == [(pytest.approx(one.start), pytest.approx(one.end)) for one in report.stretches]


def test_close_looks_show_before_and_after(figure: Figure, frames: list[Frame]) -> None:
    *_, close = axes(figure)
    shown = [np.asarray(image.get_array()) for image in close.images]
    assert np.array_equal(shown[0], np.asarray(frames[9].picture))
    assert np.array_equal(shown[1], np.asarray(frames[10].picture))
    before, there, gone, again = (one.astype(int) for one in shown[2:])
    assert np.abs(before - there).max() > 50
    assert np.abs(before - gone).max() <= 2
    assert np.abs(there - again).max() <= 2


def test_it_is_1200_pixels_wide_and_nothing_is_cut_off(figure: Figure) -> None:
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    assert width == 1200
    for text in [*figure.texts, *(text for one in figure.axes for text in one.texts)]:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height, text.get_text()


def test_the_caption_says_what_one_sees(report: JourneyReport) -> None:
    said = caption(report)
    assert said.startswith("The picture is calm on 97% of the way and storms in 1 stretch; it jumps 1 time, fastest")
    assert said.endswith("; 1 detail flickers.")
    assert caption(dataclasses.replace(report, jumps=(), flickers=())).endswith("storms in 1 stretch.")


def test_a_calm_film_has_no_close_looks(tiny: StableDiffusion) -> None:
    frames = [Frame(u, picture(u)) for u in places(20)]
    assert len(journey_figure(measure(tiny, frames), frames).axes) == 2


def test_without_matplotlib_the_missing_package_is_named(
    report: JourneyReport, frames: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [])
    with pytest.raises(ModuleNotFoundError) as missing:
        journey_figure(report, frames)
    assert missing.value.name == "matplotlib"
