"""Flags of the figures of runs."""

import pytest
from tests.glass.walks import noised, smooth

from garasu.app.glass_flags import StepFlags, numbers, save_figure


def test_steps_are_named_or_counted() -> None:
    walk = noised(smooth())
    assert StepFlags().of(walk, 2) == (0, 3)
    assert StepFlags(steps="1,-1").of(walk, 2) == (1, 3)
    assert StepFlags(count=3).of(walk, 2) == (0, 2, 3)
    with pytest.raises(ValueError, match="say one of two"):
        StepFlags(steps="1", count=2).of(walk, 2)


def test_numbers_are_whole() -> None:
    assert numbers("0, 5,-1", "--steps") == (0, 5, -1)
    with pytest.raises(ValueError, match="--steps takes whole numbers with commas between, as 0,5,10, not '1,x'"):
        numbers("1,x", "--steps")


def test_a_figure_is_written_and_named(tmp_path, capsys) -> None:
    figure = pytest.importorskip("matplotlib.figure").Figure(figsize=(3, 2), dpi=100)
    save_figure(figure, tmp_path / "a.png")
    assert capsys.readouterr().out == f"{tmp_path / 'a.png'}\n"
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
