"""The film strip shows the decoded latents of its steps."""

import numpy as np
import pytest
import torch
from tests.glass.walks import SIGMA, noised, smooth, walk

from garasu.model import StableDiffusion

pytest.importorskip("matplotlib")
from garasu.glass.strip import caption, distance, strip_figure


def test_every_panel_is_the_decoded_latent_of_its_step(tiny: StableDiffusion) -> None:
    run = noised(smooth(8, 16))
    figure = strip_figure(tiny, run, (0, -1))
    panels = np.array(figure.axes).reshape(3, 3)
    for column, step in ((0, 0), (1, 3)):
        expected = (run.latent(step) / (1 + SIGMA[step] ** 2) ** 0.5, run.x0(step), run.eps(step))
        for axes, latent in zip(panels[:, column], expected, strict=True):
            assert np.array_equal(axes.images[0].get_array(), np.asarray(tiny.decode(latent)))
    assert np.array_equal(panels[0, 2].images[0].get_array(), np.asarray(tiny.decode(run.finished)))
    assert [axes.get_title() for axes in panels[0]] == ["step 0\nσ 10\nt 500", "step 3\nσ 0.3\nt 15", "\n\nfinished"]
    assert [axes.get_ylabel() for axes in panels[:, 0]] == ["x ÷ √(1+σ²)", "x0", "ε"]
    assert not any(axes.images for axes in panels[1:, 2])


def test_eight_steps_are_shown_when_none_are_named(tiny: StableDiffusion) -> None:
    many = noised(smooth(), sigma=tuple(10 / (1 + step) for step in range(20)))
    titles = [axes.get_title() for axes in strip_figure(tiny, many).axes if axes.get_title()]
    assert [title.split("\n")[0] for title in titles[:8]] == [f"step {step}" for step in (0, 3, 5, 8, 11, 14, 16, 19)]


def test_the_caption_says_when_x0_and_x_are_near() -> None:
    finished = torch.ones(1, 4, 2, 2)
    x0 = [finished * (1 + far) for far in (2.0, 0.4, 0.6, 0.05)]  # once near, it is not yet near for good
    run = walk([finished * 3] * 4, x0, finished)
    said = caption(run)
    assert "within half of the finished latent's size from step 3 on (σ 0.3) and within a tenth from step 3 on" in said
    assert said.endswith("is within half only at the end.")
    assert distance(x0[0], finished) == pytest.approx(2)
    assert "size from step 0 on (σ 10)" in caption(noised(finished))
