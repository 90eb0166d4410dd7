import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from garasu.images import harmonic as module
from garasu.images.harmonic import harmonic


def dense(values: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """The same equations, one by one, solved by LAPACK."""
    height, width = unknown.shape
    number = np.cumsum(unknown).reshape(unknown.shape) - 1
    matrix, right = np.zeros((unknown.sum(), unknown.sum())), np.zeros((unknown.sum(), len(values)))
    for y, x in zip(*np.nonzero(unknown), strict=True):
        for to_y, to_x in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= to_y < height and 0 <= to_x < width:
                matrix[number[y, x], number[y, x]] += 1
                if unknown[to_y, to_x]:
                    matrix[number[y, x], number[to_y, to_x]] -= 1
                else:
                    right[number[y, x]] += values[:, to_y, to_x]
    solved = values.copy()
    solved[:, unknown] = np.linalg.solve(matrix, right).T
    return solved


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(1, 20), st.floats(0.05, 0.99))
@settings(max_examples=100, deadline=None)
def test_it_is_what_a_dense_solver_finds(seed, height, width, share):
    rng = np.random.default_rng(seed)
    values, unknown = rng.uniform(0, 255, (3, height, width)), rng.random((height, width)) < share
    unknown[rng.integers(height), rng.integers(width)] = False
    found = harmonic(values, unknown)
    assert np.array_equal(found[:, ~unknown], values[:, ~unknown])
    assert np.abs(found - dense(values, unknown)).max() < 0.01


def test_a_plane_is_continued_exactly():
    y, x = np.mgrid[:70, :90].astype(float)
    plane = np.stack([2 * x - y, 0 * x + 7])
    unknown = np.zeros((70, 90), dtype=bool)
    unknown[5:-5, 8:-20] = True
    holed = np.where(unknown, -1e6, plane)  # what stood in the hole is of no account
    assert np.abs(harmonic(holed, unknown) - plane).max() < 0.01


def test_the_border_of_the_picture_is_free():
    values = np.zeros((1, 40, 60))
    values[:, :, 0] = 100
    assert harmonic(values, np.arange(60)[None].repeat(40, 0) > 0) == pytest.approx(np.full((1, 40, 60), 100), abs=0.01)


@pytest.mark.parametrize("shape", [(256, 256), (1, 4000), (3000, 2), (101, 77)])
def test_the_number_of_steps_hardly_depends_on_the_size(monkeypatch, shape):
    """Without multigrid 256 x 256 takes hundreds of steps, and a line as many as it has pixels."""
    monkeypatch.setattr(module, "_MOST_STEPS", 25)
    values = np.random.default_rng(0).uniform(0, 255, (1, *shape))
    unknown = np.ones(shape, dtype=bool)
    unknown[0, 0] = unknown[-1, -1] = False
    harmonic(values, unknown)


def test_a_channel_that_is_zero_everywhere_stays_so():
    values = np.random.default_rng(0).uniform(0, 255, (2, 9, 9))
    values[1] = 0
    unknown = np.zeros((9, 9), dtype=bool)
    unknown[3:6, 3:6] = True
    assert not harmonic(values, unknown)[1].any()


def test_something_must_be_known():
    with pytest.raises(ValueError, match=r"nothing is known .* leave at least one pixel out"):
        harmonic(np.zeros((1, 4, 4)), np.ones((4, 4), dtype=bool))
