"""The figure of guidance shows the report and what the VAE makes of it."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from tests.glass.recorded import recorded

from garasu.glass.guidance import guidance_report
from garasu.glass.guidance_figure import caption, guidance_figure


@pytest.fixture(scope="module")
def kept(tiny, tmp_path_factory):
    return recorded(tiny, tmp_path_factory.mktemp("guidance"))


def test_it_shows_curves_and_pictures(tiny, kept):
    report = guidance_report(kept.walks[0])
    page = guidance_figure(tiny, report, (1, 3))
    axes = {one.get_title(): one for one in page.axes if one.get_title()}
    assert set(axes) == {"How much the prompt changes the prediction", "Angles", "step 1", "step 3"}
    (norm,) = axes["How much the prompt changes the prediction"].lines
    assert norm.get_ydata() == pytest.approx(report.norm.tolist())
    pictures = [one.images[0].get_array() for one in page.axes if one.images]
    assert len(pictures) == 6
    assert np.array_equal(pictures[1], tiny.decode(kept.x0[3]))
    assert np.array_equal(pictures[3], tiny.decode(kept.x0_prompt[3]))


def test_the_caption_says_what_the_numbers_are(kept):
    report = guidance_report(kept.walks[0])
    most = int(report.norm.argmax())
    assert f"differ most at step {most}, by {report.norm[most]:.3f} (root mean square)" in caption(report)
    spread = report.maps * 0 + 1
    even = type(report)(**{**vars(report), "maps": spread})
    assert "half of all that guidance adds falls on 50% of the picture" in caption(even)


def test_a_short_run_has_no_half_steps(tiny, kept):
    page = guidance_figure(tiny, guidance_report(kept.walks[0]))
    for axes in page.axes[:2]:
        assert all(tick == int(tick) for tick in axes.get_xticks())
