"""Fixed textures and paths."""

import random

import numpy as np
import pytest

from garasu.world.shapes import curve, ellipse, polygon, polyline, rectangle
from garasu.world.textures import FIELD, blotches, field_at, grain, hatching


def test_fields_have_unit_variance() -> None:
    for field in (grain(), blotches()):
        assert field.shape == (FIELD, FIELD, 1)
        assert float(field.std()) == pytest.approx(1, abs=0.02)


def test_blotches_are_soft_and_periodic() -> None:
    field = blotches()[..., 0]
    step = np.abs(np.diff(field, axis=0)).mean()
    assert step < 0.2 * np.abs(np.diff(grain()[..., 0], axis=0)).mean()
    assert np.abs(field[0] - field[-1]).mean() < 3 * step  # no seam


def test_a_field_is_cut_out_and_repeated() -> None:
    cut = field_at(grain(), 300, 20, random.Random(0))
    assert cut.shape == (300, 20, 1)
    assert np.array_equal(cut[:44], cut[256:])
    assert not np.array_equal(cut, field_at(grain(), 300, 20, random.Random(1)))


def test_hatching_is_black_lines_with_gaps() -> None:
    alpha = hatching(6.0, 2.0, 0).toarray()[..., 3]
    rows = alpha.mean(1)
    assert rows.max() > 100
    assert rows.min() < 20
    assert alpha.std(1).mean() < alpha.std(0).mean()  # along a stroke it changes less than across


def test_bounds_of_shapes() -> None:
    assert ellipse(5, 6, 2, 3).getBounds().right() == 7
    assert rectangle(1, 2, 3, 4).getBounds().bottom() == 4
    assert polygon((0, 0), (4, 0), (0, 2)).contains(1, 0.5)
    assert not polyline((0, 0), (4, 0)).isLastContourClosed()
    assert curve((0, 0), (1, 2), (2, 0)).getBounds().height() > 0


def test_a_curve_needs_pairs() -> None:
    with pytest.raises(ValueError, match="zip"):
        curve((0, 0), (1, 2), (2, 0), (3, 3))
