"""Rarity against scipy's beta distribution, against geometry where it is elementary, and against its own inverse."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate
from scipy.special import betainc

from garasu.glass.rarity import RarityError, cosine_for, log_density, rarity, spelled

DIMENSIONS = (2, 3.5, 16, 768, 1e5)
COSINES = (0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 0.9, 0.999)


@pytest.mark.parametrize("n", DIMENSIONS)
def test_it_is_the_tail_of_a_beta_distribution(n):
    for cosine in COSINES:
        tail = 0.5 * betainc((n - 1) / 2, 0.5, (1 - cosine) * (1 + cosine))
        if tail > 1e-280:  # where scipy has it
            assert math.isclose(rarity(cosine, n).probability, tail, rel_tol=1e-9)
            assert math.isclose(rarity(-cosine, n).probability, 1 - tail, rel_tol=1e-10)
            assert math.isclose(rarity(-cosine, n, two_sided=True).probability, 2 * tail, rel_tol=1e-9)


@pytest.mark.parametrize("cosine", [-1, -0.7, 0, 0.02, 0.4, 1])
def test_in_a_plane_it_is_an_angle_and_in_space_a_cap(cosine):
    assert math.isclose(rarity(cosine, 2).probability, math.acos(cosine) / math.pi, rel_tol=1e-12, abs_tol=1e-12)
    assert math.isclose(rarity(cosine, 3).probability, (1 - cosine) / 2, rel_tol=1e-12, abs_tol=1e-12)


def test_far_out_it_keeps_its_digits_where_no_float_can():
    far = rarity(0.99, 768)
    top = log_density(0.99, 768)
    scaled, _ = integrate.quad(lambda c: math.exp(log_density(c, 768) - top), 0.99, 1 - 1e-12)
    assert math.isclose(far.log_probability, top + math.log(scaled), abs_tol=1e-7)
    assert (far.probability, far.one_in) == (0.0, math.inf)
    assert str(far) == "cosine 0.99 in 768 dimensions: one in 1.7·10^654 random directions is as near"


def test_the_density_is_that_of_the_tail():
    whole, _ = integrate.quad(lambda c: math.exp(log_density(c, 40)), 0.3, 1)
    assert math.isclose(whole, rarity(0.3, 40).probability, rel_tol=1e-9)


def test_what_the_notes_say_is_true():
    """Cosine 0.2 in 768 dimensions: less than one in a million."""
    said = rarity(0.2, 768)
    assert 8.9e7 < said.one_in < 9.1e7
    assert str(said) == "cosine 0.2 in 768 dimensions: one in 90 million random directions is as near"
    assert round(cosine_for(1e6, 768), 4) == 0.1704
    assert str(rarity(0.2, 768, two_sided=True)).endswith(
        "45 million random directions is as near, or as near to the opposite"
    )


@given(st.floats(1.01, 1e9), st.sampled_from((3, 16, 768, 1e5)), st.booleans())
def test_the_inverse_is_one(one_in, n, two_sided):
    cosine = cosine_for(one_in, n, two_sided=two_sided)
    found = rarity(cosine, n, two_sided=two_sided).log_probability
    assert math.isclose(-found, math.log(one_in), abs_tol=1e-6)  # in space one in 10^9 lies 2·10^-9 from cosine 1


@given(st.floats(-1, 1), st.floats(-1, 1), st.sampled_from(DIMENSIONS))
def test_a_greater_cosine_is_no_more_likely(a, b, n):
    assert rarity(max(a, b), n).log_probability <= rarity(min(a, b), n).log_probability + 1e-9


@pytest.mark.parametrize(("cosine", "n"), [(1.1, 768), (math.nan, 768), (0.2, 1.9), (0.2, math.inf)])
def test_what_there_is_not_is_refused(cosine, n):
    with pytest.raises(RarityError):
        rarity(cosine, n)


@pytest.mark.parametrize("one_in", [1, 0, -5, math.nan, math.inf])
def test_a_rarity_that_there_is_not_is_refused(one_in):
    with pytest.raises(RarityError, match="number above 1"):
        cosine_for(one_in, 768)


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "1"), (2.53, "2.5"), (4567, "4,600"), (999_999, "1 million"), (9.04e7, "90 million"), (3e14, "300 trillion")],
)
def test_numbers_are_spelled_for_reading(number, words):
    assert spelled(math.log(number)) == words


def test_numbers_that_no_float_holds_are_spelled_too():
    assert spelled(1000 * math.log(10) + math.log(2.5)) == "2.5·10^1000"
    assert spelled(math.inf) == "infinitely many"
