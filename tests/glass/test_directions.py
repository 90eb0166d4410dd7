"""Drawn directions against the exact distribution, and the spread of vectors whose spread is known."""

import numpy as np
import pytest
from scipy.stats import beta, kstest

from garasu.glass.directions import Spread, simulated
from garasu.glass.rarity import RarityError


@pytest.mark.parametrize("n", [2, 3, 40, 768])
def test_drawn_directions_follow_the_exact_distribution(n):
    drawn = simulated(n, 20_000, seed=5)
    assert drawn.shape == (20_000,)
    assert kstest((1 + drawn.astype(float)) / 2, beta((n - 1) / 2, (n - 1) / 2).cdf).pvalue > 0.01
    assert not np.array_equal(drawn, simulated(n, 20_000, seed=6))


def test_many_are_drawn_in_parts(monkeypatch):
    monkeypatch.setattr("garasu.glass.directions._AT_ONCE", 1000)
    drawn = simulated(10, 950, seed=1)
    assert len(drawn) == len(np.unique(drawn)) == 950


def test_random_vectors_use_all_their_dimensions():
    spread = Spread.of(np.random.default_rng(0).standard_normal((600, 64)))
    assert abs(spread.mean) < 0.005
    assert abs(spread.effective_dimensions - 64) < 2


def test_vectors_in_a_corner_use_few():
    generator = np.random.default_rng(0)
    basis = np.linalg.qr(generator.standard_normal((64, 64)))[0]
    few = generator.standard_normal((600, 8)) @ basis[:8]  # [600, 64]
    assert abs(Spread.of(few).effective_dimensions - 8) < 0.5
    assert Spread.of(few + 5 * basis[8]).mean > 0.7


def test_pairs_are_counted():
    spread = Spread.of(np.array([[1.0, 0], [2, 0], [0, 1], [-1, 0]]))
    assert [spread.reaching(c) for c in (1.0, 0.5, 0.0, -1.0)] == [1, 1, 4, 6]
    assert "of 6 pairs 1 reach 0.5 (17%)" in spread.said(0.5)
    assert "none reaches 0.9" in Spread.of(np.array([[1.0, 0], [0, 1], [-1, 0.1]])).said(0.9)


def test_what_has_no_spread_is_refused():
    for vectors in (np.ones((2, 3)), np.zeros((4, 3)), np.ones((4, 3))):
        with pytest.raises(RarityError):
            Spread.of(vectors)
    with pytest.raises(RarityError, match="2 dimensions"):
        simulated(1, 10)
