"""Fits of known curves."""

import pytest

from benchmarks.growth import fit

XS = (1, 2, 4, 8, 16)


def test_a_power_has_its_exponent() -> None:
    assert fit(XS, [3 * x**2 for x in XS]).exponent == pytest.approx(2)


def test_a_line_is_found_and_never_left() -> None:
    growth = fit(XS, [5 + 2 * x for x in XS])
    assert (growth.fixed, growth.each, growth.r_squared) == pytest.approx((5, 2, 1))
    assert growth.departs_at is None


def test_where_it_leaves_the_line() -> None:
    assert fit(XS, [1, 2, 4, 8, 30]).departs_at == 16
    assert fit(XS, [1, 2, 4, 8.5, 16]).departs_at is None  # within 15 %


def test_a_constant_is_a_line() -> None:
    growth = fit(XS, [7] * 5)
    assert (growth.exponent, growth.each, growth.r_squared) == pytest.approx((0, 0, 1))
