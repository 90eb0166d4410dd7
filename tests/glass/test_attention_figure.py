"""The figure of attention shows the report."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("matplotlib")

from matplotlib.backends.backend_agg import FigureCanvasAgg
from tests.glass.recorded import recorded

from garasu.glass.attention import START, attention_report
from garasu.glass.attention_figure import attention_figure, caption, peak
from garasu.glass.overlay import heated


@pytest.fixture(scope="module")
def report(tiny, tmp_path_factory):
    kept = recorded(tiny, tmp_path_factory.mktemp("attention"), heads=True)
    return attention_report(kept.walks[0])


def test_it_shows_maps_curves_and_what_is_common(report):
    picture = Image.new("RGB", (64, 48), "teal")
    page = attention_figure(report, picture, "a black cat")
    axes = {one.get_title(): one for one in page.axes if one.get_title()}
    assert page.get_size_inches()[0] * page.dpi == 1200
    assert f"cat  ×{peak(report.mean[1]):.1f}" in axes
    assert {"step 0", "step 3", "up.1.0 ★", "down.0.0", "head 0", "head 1"} <= set(axes)
    (shown,) = axes["step 3"].images
    assert np.array_equal(shown.get_array(), np.asarray(heated(picture, report.by_step[3, 0])))
    lines = {line.get_label(): line.get_ydata() for line in axes["What each word gets"].lines}
    assert list(lines)[:3] == ["black", "cat", "start"]
    assert lines["start"] == pytest.approx((100 * report.shares[START]).tolist())
    (matrix,) = axes["What two maps have in common"].images
    torch.testing.assert_close(torch.as_tensor(matrix.get_array().data), report.overlap)


def test_the_caption_says_what_the_numbers_are(report):
    said = caption(report)
    top = max(report.words, key=lambda word: float(report.shares[word].mean()))
    assert f"{top!r} gets most, {float(report.shares[top].mean()):.1%}" in said
    assert f"'black' and 'cat' have {float(report.overlap[0, 1]):.0%} in common" in said


def test_a_step_at_which_a_word_is_not_said_stays_empty(tiny, tmp_path):
    report = attention_report(recorded(tiny, tmp_path, prompt="a [cat:dog:0.5]").walks[0])
    page = attention_figure(report, Image.new("RGB", (64, 64)))
    first = next(one for one in page.axes if one.get_title() == "step 0")
    assert len(first.images) == 1
    last = next(one for one in page.axes if one.get_title() == "step 3")
    assert not last.images


def test_a_row_of_sixteen_layers_can_be_read(report):
    """As many as Stable Diffusion has: their names are as large as fits, and none runs into the next."""
    (maps,) = list(report.by_layer.values())[:1]
    layers = {f"unet.{way}.{level}.transformers.{index}": maps for way in ("down", "up") for level in range(4)
              for index in range(2)}  # fmt: skip
    page = attention_figure(replace(report, by_layer=layers, layers=tuple(layers)), Image.new("RGB", (64, 48)))
    FigureCanvasAgg(page).draw()
    names = [axes.title for axes in page.axes if "★" in axes.get_title()]
    boxes = [name.get_window_extent() for name in names]
    assert len(boxes) == 16
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    assert all(name.get_fontsize() > 7 for name in names)
