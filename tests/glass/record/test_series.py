"""A quantity over steps."""

import pytest
import torch

from garasu.glass.record.errors import RecordError
from garasu.glass.record.series import Series


@pytest.fixture
def series():
    """Steps 0, 2 and 4 of 5; at step k both rows are k, one of them negative."""
    return Series("x0", 5, (0, 2, 4), ("seed 7", "seed 8"), lambda step: torch.tensor([step, -step]))


def test_steps_are_numbered_as_the_run_numbers_them(series):
    assert series[2].tolist() == [2, -2]
    assert series[-1].tolist() == [4, -4]
    assert len(series) == 3
    assert [value[0].item() for value in series] == [0, 2, 4]


def test_all_of_it_or_one_row(series):
    assert series.stacked().tolist() == [[0, 0], [2, -2], [4, -4]]
    assert series.row("seed 8").tolist() == series.row(1).tolist() == [0, -2, -4]


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda series: series[5], "no step 5: the walk has 5, 0 to 4"),
        (lambda series: series[-6], "no step -6"),
        (lambda series: series[3], "no x0 of step 3, only of these: 0, 2, 4"),
        (lambda series: series.row("seed 9"), "no row 'seed 9': the rows are 'seed 7', 'seed 8'"),
        (lambda series: series.row(2), "no row 2"),
        (lambda series: series.row(-1), "no row -1"),
    ],
)
def test_what_is_not_there_is_refused(series, ask, why):
    with pytest.raises(RecordError, match=why):
        ask(series)


def test_it_says_what_it_is(series):
    assert repr(series) == "x0 of 3 steps, each (2,) (seed 7, seed 8)"
