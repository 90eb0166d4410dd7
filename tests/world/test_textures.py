"""Fixed textures and paths."""

import random

import numpy as np
import pytest
import skia

from garasu.world.shapes import curve, ellipse, polygon, polyline, rectangle, rounded
from garasu.world.textures import FIELD, TILE, blotches, field_at, gouges, grain, hatching, lay_tiles


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


def test_gouges_are_black_or_nothing_and_wider_for_darker_tones() -> None:
    thin, thick = (gouges(5.4, width, 0).toarray()[..., 3] for width in (1.1, 3.2))
    assert 0.05 < (thin > 128).mean() < (thick > 128).mean() / 1.5 < 0.5
    assert ((thick > 40) & (thick < 215)).mean() < 0.25


def test_tiles_cover_an_area_and_nothing_else() -> None:
    surface = skia.Surface(300, 200)
    solid = skia.Surface(TILE, TILE)
    solid.getCanvas().clear(skia.ColorBLACK)
    area = rectangle(10, 20, 290, 180)
    lay_tiles(surface.getCanvas(), area, solid.makeImageSnapshot(), skia.Paint(), unit=0.7, turn=33, shift=(50, 80))
    alpha = surface.makeImageSnapshot().toarray()[..., 3]
    assert (alpha[24:176, 14:286] > 200).mean() > 0.97  # seams of turned tiles are soft
    alpha[20:180, 10:290] = 0
    assert not alpha.any()


def test_bounds_of_shapes() -> None:
    assert rounded(1, 2, 9, 4, 1).getBounds().right() == 9
    assert not rounded(0, 0, 8, 8, 3).contains(0.2, 0.2)
    assert ellipse(5, 6, 2, 3).getBounds().right() == 7
    assert rectangle(1, 2, 3, 4).getBounds().bottom() == 4
    assert polygon((0, 0), (4, 0), (0, 2)).contains(1, 0.5)
    assert not polyline((0, 0), (4, 0)).isLastContourClosed()
    assert curve((0, 0), (1, 2), (2, 0)).getBounds().height() > 0


def test_a_curve_needs_pairs() -> None:
    with pytest.raises(ValueError, match="zip"):
        curve((0, 0), (1, 2), (2, 0), (3, 3))
