"""Groups of attributes, gaps between seen and unseen combinations, and the scale that is recommended."""

import math

import pytest

from garasu.training.evaluation.measures import Score, Verdict
from garasu.training.evaluation.promise import (
    GROUPS,
    PROMISED,
    Obedience,
    gap_between,
    ordered,
    pooled,
    recommended,
)
from garasu.world.scene import ATTRIBUTES


def obedience(held_out: dict[str, Score], seen: dict[str, Score], scale: float = 5.0) -> Obedience:
    return Obedience(scale, Verdict(held_out, {}), Verdict(seen, {}))


def test_groups_are_of_the_worlds_attributes_without_repeats() -> None:
    assert set(PROMISED) < set(ATTRIBUTES)
    assert len(set(PROMISED)) == len(PROMISED) == sum(map(len, GROUPS)) == 10


def test_a_group_counts_questions_not_attributes() -> None:
    found = obedience({"subject": Score(9, 10), "style": Score(0, 90), "fur": Score(1, 2), "hair": Score(0, 9)}, {})
    assert found.groups["subject, background, style"].held_out == Score(9, 100)
    assert found.groups["fur colour, pattern, pose, accessory"].held_out == Score(1, 2)
    assert found.groups["eyes, count, place"].held_out == Score(0, 0)
    assert found.promised.held_out == Score(10, 102), "hair is of no group"
    assert found.promised.seen == Score()
    assert pooled({}, PROMISED) == Score()


def test_a_gap_in_points_with_its_standard_error() -> None:
    found = gap_between(Score(80, 100), Score(45, 50))
    assert found.points == pytest.approx(10)
    expected = 100 * math.sqrt(81 / 102 * 21 / 102 / 102 + 46 / 52 * 6 / 52 / 52)
    assert found.error == pytest.approx(expected)
    assert gap_between(Score(500, 500), Score(250, 250)).error == pytest.approx(0.44, abs=0.01), "right, but not sure"


def test_the_overall_gap_asks_both_for_the_same_mix() -> None:
    """Crowns are hard and asked for more often in held-out prompts, which must not count as a gap."""
    held_out = {"subject": Score(90, 100), "accessory": Score(150, 300)}
    seen = {"subject": Score(180, 200), "accessory": Score(10, 20), "eyes": Score(1, 9)}
    found = obedience(held_out, seen)
    assert found.promised.seen.share > found.promised.held_out.share + 0.2
    assert set(found.gaps) == {"subject", "accessory"}, "of eyes, held-out prompts say nothing"
    assert found.gap is not None
    assert found.gap.points == pytest.approx(0)
    errors = found.gaps["subject"].error, found.gaps["accessory"].error
    assert found.gap.error == pytest.approx(math.hypot(errors[0], 3 * errors[1]) / 4)
    worse = obedience({"subject": Score(90, 100), "accessory": Score(90, 300)}, seen).gap
    assert worse is not None
    assert worse.points == pytest.approx(20 * 3 / 4)
    assert obedience({"hair": Score(1, 2)}, {"hair": Score(1, 2)}).gap is None


def test_the_recommended_scale_follows_held_out_prompts_best() -> None:
    scales = [
        obedience({"subject": Score(5, 10), "hair": Score(9, 9)}, {"subject": Score(5, 5)}, 3.0),
        obedience({"subject": Score(7, 10)}, {"subject": Score(0, 5)}, 4.0),
        obedience({"subject": Score(7, 10)}, {"subject": Score(5, 5)}, 5.0),
    ]
    assert recommended(scales) == 4.0
    assert recommended(scales[:1]) == 3.0


def test_attributes_of_the_groups_are_shown_first() -> None:
    assert ordered({"shield", "place", "hair", "background", "subject"}) == [
        "subject", "background", "place", "hair", "shield"
    ]  # fmt: skip
