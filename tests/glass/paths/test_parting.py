"""Where two paths part, on curves of which that is known."""

import math

import numpy as np
import pytest
import torch
from tests.glass.paths.flows import SIGMA, logistic, path

from garasu.glass.paths.parting import apart, parting, rms, share_of


def test_the_same_path_is_nowhere_apart_and_never_parts():
    one = path(logistic(2, 0.3), latent=5.0)
    distance = apart(one, one)
    assert distance.final == 0
    assert not distance.x0.any()
    assert not distance.latent.any()
    assert not distance.share.any()
    assert parting(distance) is None


def test_distances_are_root_mean_squares_at_each_level():
    distance = apart(path(0.0, latent=lambda sigma: sigma), path(lambda sigma: 2 / sigma, latent=0.0, end=3.0))
    assert np.allclose(distance.latent, SIGMA, rtol=1e-6)
    assert np.allclose(distance.hidden, 1, rtol=1e-6)
    assert np.allclose(distance.x0, 2 / np.array(SIGMA), rtol=1e-6)
    assert distance.final == 3
    assert np.allclose(distance.share, 2 / np.array(SIGMA) / 3, rtol=1e-6)


@pytest.mark.parametrize("middle", [5.0, 1.0, 0.4])
def test_paths_part_where_half_of_the_difference_is_there(middle):
    width = 0.25
    found = parting(apart(path(0.0), path(logistic(middle, width), end=1.0)))
    assert found.sigma == pytest.approx(middle, rel=0.01)
    assert found.early == pytest.approx(middle * math.exp(width * math.log(3)), rel=0.03)  # logistic there 1/4
    assert found.late == pytest.approx(middle / math.exp(width * math.log(3)), rel=0.03)
    assert found.fastest == pytest.approx(middle, rel=0.13)  # steps are 26 % long
    place = np.interp(-math.log(middle), -np.log(SIGMA), np.arange(len(SIGMA)))
    assert found.step == pytest.approx(place, abs=0.05)
    assert f"part at sigma {middle:.2g}"[:16] in str(found)


def test_a_difference_that_comes_and_goes_is_no_parting():
    bump = lambda sigma: 0.9 * (4 < sigma < 6) + (sigma < 0.5)  # noqa: E731
    found = parting(apart(path(0.0), path(bump, end=1.0)))
    assert 0.4 < found.sigma < 0.6


def test_a_difference_in_another_direction_is_none_of_the_final_one():
    one, other = path(0.0), path(1.0)
    sideways = torch.tensor([[1.0, -1.0], [1.0, -1.0]])
    moved = other.x0.clone()
    moved[:10] = 3 * sideways
    object.__setattr__(other, "x0", moved)
    distance = apart(one, other)
    assert np.allclose(distance.x0[:10], 3)
    assert np.allclose(distance.share[:10], 0)
    assert SIGMA[10] <= parting(distance).sigma <= SIGMA[9]


def test_paths_that_are_apart_from_the_beginning_part_in_the_first_step():
    found = parting(apart(path(0.0), path(1.0)))
    assert math.isinf(found.sigma)
    assert found.step == 0
    assert str(found) == "part in the first step"


def test_paths_that_part_after_the_last_answer_part_at_its_level():
    found = parting(apart(path(0.0), path(0.0, end=1.0)))
    assert found.sigma == pytest.approx(SIGMA[-1])
    assert found.step == pytest.approx(len(SIGMA) - 0.5)


def test_shares_of_nothing_are_nothing():
    assert not share_of(torch.ones(3, 2), torch.zeros(2)).any()
    assert rms(torch.tensor([[3.0, 4.0]]))[0] == pytest.approx(math.sqrt(12.5))
