"""Numbers without exponents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from garasu.prompts.syntax.numbers import decimal


@pytest.mark.parametrize(
    ("number", "text"), [(1.0, "1"), (0.55, "0.55"), (-2.0, "-2"), (1e-5, "0.00001"), (1.5730000000000004,) * 2]
)
def test_numbers_are_short(number: float, text: str | float) -> None:
    assert decimal(number) == str(text)


@given(st.floats(-1e30, 1e30))
def test_numbers_read_back(number: float) -> None:
    text = decimal(number)
    assert float(text) == number
    assert "e" not in text.lower()
