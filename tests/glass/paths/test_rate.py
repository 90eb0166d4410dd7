"""Divergence rates of flows of which they are known."""

import numpy as np
import pytest

from garasu.glass.paths.rate import STRAIGHT, fitted_rate, whole_rates

SIGMA = np.geomspace(10, 0.05, 30)


@pytest.mark.parametrize("rate", [0.2, 1.0, 2.5])
def test_an_exponential_is_found_from_end_to_end(rate):
    distances = 1e-3 * np.array([[1.0], [2.0], [0.5]]) * SIGMA**-rate
    found = fitted_rate(SIGMA, distances)
    assert found.rate == pytest.approx(rate)
    assert found.spread == pytest.approx(0, abs=1e-9)
    assert (found.first, found.last) == pytest.approx((10, 0.05))
    assert found.growth == pytest.approx(200**rate)
    assert found.level == pytest.approx(1e-3)
    assert np.allclose(whole_rates(SIGMA, distances), rate)


def test_the_spread_is_that_of_the_paths():
    rates = np.array([0.5, 1.0, 1.5])
    found = fitted_rate(SIGMA, SIGMA ** -rates[:, None])
    assert found.rate == pytest.approx(1)
    assert found.spread == pytest.approx(rates.std())


def test_what_stands_still_before_and_after_is_not_fitted():
    grows = np.clip(-np.log(SIGMA), -np.log(3), -np.log(0.3))  # only between 3 and 0.3
    found = fitted_rate(SIGMA, np.exp(2 * grows)[None])
    assert found.rate == pytest.approx(2, rel=0.1)
    assert 0.2 < found.last < 0.45
    assert 2 < found.first < 4.5


def test_only_a_straight_part_of_a_curve_is_fitted():
    time = np.log(SIGMA[0] / SIGMA)
    logs = 0.1 * time**2
    found = fitted_rate(SIGMA, np.exp(logs)[None])
    inside = (found.first * 1.001 >= SIGMA) & (found.last * 0.999 <= SIGMA)
    line = np.polyval(np.polyfit(time[inside], logs[inside], 1), time[inside])
    assert np.sqrt(np.mean((logs[inside] - line) ** 2)) <= STRAIGHT
    assert found.last == pytest.approx(SIGMA[-1])  # where it is steepest
    assert found.first < SIGMA[0] / 2
    assert fitted_rate(SIGMA, np.exp(20 * logs)[None]) is None  # nowhere straight over five levels


def test_what_shrinks_has_no_rate_of_growth():
    assert fitted_rate(SIGMA, SIGMA[None] ** 0.5) is None
    assert whole_rates(SIGMA, SIGMA[None] ** 0.5) == pytest.approx(-0.5)


def test_levels_at_which_a_path_is_not_apart_are_left_out():
    distances = np.stack([SIGMA**-1.0, SIGMA**-1.0])
    distances[1, :3] = 0
    found = fitted_rate(SIGMA, distances)
    assert found.rate == pytest.approx(1)
    assert found.first == pytest.approx(SIGMA[3])
    assert np.isnan(whole_rates(SIGMA, distances)).tolist() == [False, True]
    assert "+1.00 ± 0.00 for each unit of ln sigma, between sigma 5.78" in str(found)
