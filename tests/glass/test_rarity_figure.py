"""The plot shows the numbers that it says."""

import numpy as np
import pytest

from garasu.glass.directions import simulated
from garasu.glass.rarity import rarity

pytest.importorskip("matplotlib")
from garasu.glass.rarity_figure import figure


def test_the_marked_point_lies_at_its_rarity_and_on_its_curve():
    left, right = figure(rarity(0.2, 768)).axes
    marks = [line for line in right.lines if line.get_marker() == "D"]
    x, y = marks[0].get_xydata()[0]
    assert (x, round(y, 2)) == (0.2, 7.95)  # 10^7.95 are 90 million
    curve = next(line for line in right.lines if line.get_label() == "768 dimensions")
    assert np.interp(x, *curve.get_xydata().T) == pytest.approx(y, abs=0.01)
    assert right.get_ylim()[1] > y
    assert [line.get_label() for line in left.lines][-2:] == ["768 dimensions", "cosine 0.2"]


def test_drawn_cosines_lie_on_the_exact_curve():
    _, right = figure(rarity(0.1, 40), simulated(40, 5000)).axes
    dots = next(line for line in right.lines if line.get_marker() == "o")
    exact = [-rarity(float(c), 40).log_probability / np.log(10) for c in dots.get_xdata()]
    common = np.asarray(dots.get_ydata()) < 2  # at least 50 of them have come as near
    assert common.sum() > 10
    assert np.abs(np.asarray(exact) - dots.get_ydata())[common].max() < 0.1


def test_the_rarest_still_fits_on_the_page():
    _, right = figure(rarity(0.9, 768)).axes
    assert right.get_ylim()[1] > 270
    assert figure(rarity(1, 768)).axes[1].get_ylim()[1] == 15
    assert figure(rarity(-0.2, 768)).axes
