"""Weights of a mix."""

import math

import pytest

from garasu.prompts.syntax.weights import mean_weights


@pytest.mark.parametrize("weights", [[0.7, 0.3], [1.0, 2.0, 4.0], [0.1] * 10, [3.0, -1.0]])
def test_they_sum_to_one_and_then_stay(weights: list[float]) -> None:
    once = mean_weights(weights)
    assert math.isclose(math.fsum(once), 1, rel_tol=1e-12)
    assert mean_weights(once) == once


def test_nothing_to_divide_by() -> None:
    assert mean_weights([1.0, -1.0]) == [1.0, -1.0]
    assert mean_weights([0.0, 0.0]) == [0.0, 0.0]
