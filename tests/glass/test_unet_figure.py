"""The figure of the ladder shows the report."""

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")

from tests.glass.recorded import recorded

from garasu.glass.unet import unet_report
from garasu.glass.unet_figure import caption, unet_figure


@pytest.fixture(scope="module")
def report(tiny, tmp_path_factory):
    return unet_report(tiny, recorded(tiny, tmp_path_factory.mktemp("unet")), [0, 3])


def test_it_shows_every_rung_skip_and_picture(report):
    red = Image.new("RGB", (64, 64), "red")
    page = unet_figure(report, {"the run": red, "without skip.1": red})
    shown = [one.images[0].get_array() for one in page.axes if one.images]
    assert len(shown) == (6 * 2 + 1) * 2 + 2
    assert np.array_equal(shown[2], report.skips[0].made.maps[0])
    assert np.array_equal(shown[25], report.middle.maps[1])
    assert np.array_equal(shown[-1], red)
    texts = [text.get_text() for one in page.axes for text in one.texts]
    assert f"skip.2  {float(report.skips[2].share.mean()):.0%}" in texts
    assert {"step 0", "step 3"} <= set(texts)
    assert "without skip.1" in [one.get_title() for one in page.axes]


def test_the_caption_names_the_skip_that_weighs_most(report):
    most = max(report.skips, key=lambda skip: float(skip.share.mean()))
    assert caption(report).startswith(f"{most.name} weighs most in what its block makes of both, ")
