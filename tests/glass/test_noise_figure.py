"""The figure of a run's noise."""

import numpy as np
import pytest
import torch
from tests.glass.walks import noised, smooth, walk

from garasu.glass.noise import expected_density, measure_noise

pytest.importorskip("matplotlib")
from garasu.glass.noise_figure import caption, noise_figure


def test_curves_map_and_dots_are_the_report() -> None:
    finished = smooth(16, 16)
    run = noised(finished)
    odd = walk([run.latent(step) + 2 * (step == 2) for step in range(4)], [finished] * 4, finished)
    report = measure_noise(odd)
    upper, _ = noise_figure(odd, (0, 2)).subfigs
    spectra, departure, _ = upper.axes
    dashed, solid = spectra.lines[2:4]
    assert dashed.get_ydata() == pytest.approx(report.expected[2].numpy())
    assert solid.get_ydata() == pytest.approx(report.measured[2].numpy())
    assert solid.get_label() == "step 2, σ 1"
    assert np.allclose(departure.images[0].get_array(), report.times.log2())
    dots = {(int(y), int(x)) for x, y in departure.lines[0].get_xydata()}
    assert (2, 0) in dots
    assert dots == {tuple(pair) for pair in report.surprising.nonzero().tolist()}
    assert spectra.get_yscale() == "log"


def test_histograms_are_of_the_scaled_values_beside_the_expected_density() -> None:
    run = noised(3 * smooth(16, 24))  # some values are beyond the edges, and count as well
    _, lower = noise_figure(run, (1, 3)).subfigs
    assert [axes.get_title().split(",")[0] for axes in lower.axes] == ["step 1", "step 3"]
    for axes, step in zip(lower.axes, (1, 3), strict=True):
        expected, _ = axes.lines
        at = torch.tensor(expected.get_xdata())
        assert expected.get_ydata() == pytest.approx(expected_density(run, step, at).numpy())
        heights = [bar.get_height() for bar in axes.patches]
        counts = torch.histc(run.scaled(step), 42, -4.2, 4.2)
        assert counts.sum() < run.scaled(step).numel()
        assert heights == pytest.approx((counts / run.scaled(step).numel() / 0.2).tolist(), rel=1e-4)


def test_the_caption_says_where_the_run_departs() -> None:
    finished = smooth(16, 16)
    run = noised(finished)
    odd = walk([run.latent(step) + 9 * (step in (1, 2)) for step in range(4)], [finished] * 4, finished)
    said = caption(measure_noise(odd))
    times = measure_noise(odd).times[1:3, 0]
    assert f"most at step {1 + int(times.argmax())} in its mean, where x has {times.max():.2g} times the power" in said
    assert "(1–2; dots" in said and "at 2 of 4 steps" in said
    assert caption(measure_noise(run)) == (
        "At all 4 steps x has the power of its finished latent with noise, at every frequency."
    )
