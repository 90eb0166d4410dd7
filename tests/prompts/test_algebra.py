"""Arithmetic on conditionings: every operation against its closed form in numpy, in float64."""

import math

import numpy as np
import pytest
import torch

from garasu.prompts import algebra
from garasu.prompts.algebra import AlgebraError
from garasu.prompts.conditioning import Conditioning

SHAPE = (2, 5, 7)


def draw(seed: int, shape: tuple[int, ...] = SHAPE) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


A, B = draw(1), draw(2)
a, b = A.numpy(), B.numpy()


def same(ours: torch.Tensor, expected: np.ndarray) -> None:
    assert ours.dtype == torch.float64
    np.testing.assert_allclose(ours.numpy(), expected, rtol=0, atol=1e-12)


def length(rows: np.ndarray) -> np.ndarray:
    return np.sqrt((rows**2).sum(-1, keepdims=True))


def test_sums_differences_and_multiples():
    same(algebra.add(A, B), a + b)
    same(algebra.subtract(A, B), a - b)
    same(algebra.scale(A, -0.43), -0.43 * a)


@pytest.mark.parametrize("share", [-0.5, 0, 0.3, 1, 1.7])
def test_the_line(share):
    same(algebra.lerp(A, B, share), (1 - share) * a + share * b)


@pytest.mark.parametrize("share", [-0.5, 0, 0.3, 0.5, 1, 1.7])
def test_the_arc_by_another_formula(share):
    """In the plane of both rows: turn a's direction by share·ω towards b, with a length that sin weights give."""
    expected = np.empty_like(a)
    for where in np.ndindex(SHAPE[:2]):
        x, y = a[where], b[where]
        unit = x / np.linalg.norm(x)
        across = y - (y @ unit) * unit
        omega = math.atan2(np.linalg.norm(across), y @ unit)
        across /= np.linalg.norm(across)
        near, far = np.linalg.norm(x), np.linalg.norm(y)
        along = near * math.sin((1 - share) * omega) + far * math.sin(share * omega) * math.cos(omega)
        up = far * math.sin(share * omega) * math.sin(omega)
        expected[where] = (along * unit + up * across) / math.sin(omega)
    same(algebra.slerp(A, B, share), expected)


def test_an_arc_keeps_the_length_of_rows_and_a_line_does_not():
    x, y = algebra.normalise(A, 15.0), algebra.normalise(B, 15.0)
    same(algebra.slerp(x, y, 0.5).norm(dim=-1), np.full(SHAPE[:2], 15.0))
    assert (algebra.lerp(x, y, 0.5).norm(dim=-1) < 14).all()


def test_an_arc_between_rows_of_one_direction_is_a_line():
    x, y = A.clone(), B.clone()
    y[:, 0] = 3 * x[:, 0]  # parallel, as start of text is
    y[:, 1] = -x[:, 1]  # opposite
    x[:, 2], y[:, 3] = 0, 0
    line, arc = algebra.lerp(x, y, 0.3), algebra.slerp(x, y, 0.3)
    same(arc[:, :4], line[:, :4].numpy())
    assert not torch.allclose(arc[:, 4], line[:, 4])


def test_means():
    c = draw(3)
    same(algebra.mean([A, B, c]), (a + b + c.numpy()) / 3)
    same(algebra.mean([A, B], [3, 1]), 0.75 * a + 0.25 * b)
    same(algebra.mean([A, B], [2, -1]), 2 * a - b)


def test_what_is_projected_out_is_gone():
    share = (a * b).sum(-1, keepdims=True) / (b * b).sum(-1, keepdims=True)
    rest = algebra.project_out(A, B)
    same(rest, a - share * b)
    same((rest * B).sum(-1), np.zeros(SHAPE[:2]))
    assert torch.equal(algebra.project_out(A, torch.zeros_like(B)), A)


def test_lengths():
    same(algebra.normalise(A, 3), a / length(a) * 3)
    same(algebra.normalise(A, B), a / length(a) * length(b))
    assert torch.equal(algebra.normalise(torch.zeros_like(A), B), torch.zeros_like(A))
    assert algebra.norm(A) == pytest.approx(length(a).mean())


def test_one_row_goes_with_many():
    one = draw(4, (1, 5, 7))
    same(algebra.add(A, one), a + one.numpy())
    same(algebra.mean([one, A]), (a + one.numpy()) / 2)
    assert algebra.slerp(one, A, 0.5).shape == SHAPE


def test_half_precision_is_computed_in_single_and_given_back():
    x, y = A.bfloat16(), B.bfloat16()
    found = algebra.lerp(x, y, 0.3)
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, algebra.lerp(x.float(), y.float(), 0.3).bfloat16())
    assert algebra.mean([x, y]).dtype == torch.bfloat16


def test_conditionings_are_their_tensors():
    assert torch.equal(algebra.add(Conditioning(A), Conditioning(B)), A + B)
    assert torch.equal(algebra.normalise(Conditioning(A), Conditioning(B)), algebra.normalise(A, B))


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: algebra.add(A, draw(1, (2, 10, 7))), r"\(2, 5, 7\) and one of \(2, 10, 7\) do not fit .* `aligned`"),
        (lambda: algebra.add(A, draw(1, (2, 5, 8))), "of the same model"),
        (lambda: algebra.lerp(A, draw(1, (3, 5, 7)), 0.5), "equally many rows"),
        (lambda: algebra.scale(A[0], 2), r"is a tensor \[B, T, D\] of floats, not torch.float64 of shape \(5, 7\)"),
        (lambda: algebra.scale(A.long(), 2), "not torch.int64"),
        (lambda: algebra.scale(A, math.nan), "factor must be a finite number, not nan"),
        (lambda: algebra.slerp(A, B, math.inf), "share must be a finite number"),
        (lambda: algebra.mean([]), "0 conditionings cannot be averaged"),
        (lambda: algebra.mean([A, B], [1]), "2 conditionings cannot be averaged with 1 weights"),
        (lambda: algebra.mean([A, B], [1, -1]), "the weights 1, -1 add up to 0"),
    ],
)
def test_what_cannot_be_is_refused(attempt, message):
    with pytest.raises(AlgebraError, match=message):
        attempt()
