"""The figure of steps against time."""

import numpy as np
import pytest
import torch
from PIL import Image

from garasu.glass.steps import StepsPoint

pytest.importorskip("matplotlib")
from garasu.glass.steps_figure import caption, steps_figure


def point(sampler: str, steps: int, levels: float, from_first: float = 0.0) -> StepsPoint:
    picture = Image.new("RGB", (16, 16), (steps, 0, 0))
    return StepsPoint(sampler, steps, steps / 10, levels / 100, from_first, levels, torch.zeros(1, 4, 2, 2), picture)


POINTS = [point("ddim", 50, 0), point("ddim", 10, 3), point("ddim", 1, 70)]
OTHERS = [point("lms", 50, 0, 0.25), point("lms", 10, 9), point("lms", 1, 40)]


def test_curves_are_distances_over_steps_and_over_seconds() -> None:
    upper, lower = steps_figure([*POINTS, *OTHERS], "a cat").subfigs
    left, right = upper.axes
    assert left.lines[0].get_xydata().tolist() == [[1, 0.7], [10, 0.03]]  # the most steps have no distance
    assert right.lines[1].get_xydata().tolist() == [[0.1, 0.4], [1.0, 0.09]]
    assert [text.get_text() for text in right.texts] == ["1", "10"] * 2
    assert [line.get_label() for line in left.lines] == ["ddim, to its 50 steps", "lms, to its 50 steps"]
    pictures = np.array(lower.axes).reshape(2, 3)
    for row, points in zip(pictures, (POINTS, OTHERS), strict=True):
        for axes, one in zip(row, reversed(points), strict=True):
            assert np.array_equal(axes.images[0].get_array(), np.asarray(one.picture))
    assert pictures[0, 0].get_title() == "1 step, 0.1 s\n70.0 levels"
    assert pictures[1, 0].get_ylabel() == "lms"


def test_the_caption_says_what_is_enough() -> None:
    said = caption([*POINTS, *OTHERS])
    assert said.startswith("10 steps of ddim come within 3.0 of 255 levels of the picture of 50, in 20% of the time; ")
    assert "no fewer than 50 steps of lms come within 5 levels of its picture" in said
    assert said.endswith(", whose result lies 0.25 (r.m.s.) from that of ddim.")
    assert caption(OTHERS) == "No fewer than 50 steps of lms come within 5 levels of its picture."
