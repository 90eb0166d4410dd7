"""Calm, storm and jumps of speeds that are known."""

import numpy as np
import pytest

from garasu.glass.weather import find_jumps, find_stretches, typical, weighted_median


def places(count: int) -> list[float]:
    return np.linspace(0, 1, count).tolist()


def rippled(steps: int) -> list[float]:
    """About 2 levels a step."""
    return [2 + 0.2 * (-1) ** index for index in range(steps)]


def test_a_steady_journey_is_one_calm() -> None:
    (calm,) = find_stretches(places(41), rippled(40))
    assert (calm.kind, calm.start, calm.end, calm.steps) == ("calm", 0.0, 1.0, 40)
    assert (calm.speed, calm.per_step, calm.length) == (pytest.approx(80), pytest.approx(2), 1.0)
    assert find_jumps(places(41), rippled(40)) == ()


def test_a_jump_is_found_at_its_step_with_its_size() -> None:
    changes = rippled(40)
    changes[9:12] = [10, 30, 10]  # steps in a row are one jump
    changes[25] = 20
    first, second = find_jumps(places(41), changes)
    assert (first.at, first.frame, first.change) == (pytest.approx(10.5 / 40), 11, 30)
    assert (second.at, second.frame, second.change) == (pytest.approx(25.5 / 40), 26, 20)
    assert first.times == pytest.approx(1.5 * second.times)
    assert first.times == pytest.approx(30 / 2, rel=0.11)


def test_storm_lies_between_calms_and_a_lone_jump_is_a_storm() -> None:
    changes = rippled(60)
    changes[20:40] = [7.0] * 20
    changes[30] = 1.0  # a moment's rest
    changes[50] = 40
    changes[55] = 5.0  # too short, and no jump
    found = find_stretches(places(61), changes)
    assert [(one.kind, one.steps) for one in found] == [
        ("calm", 20),
        ("storm", 20),
        ("calm", 10),
        ("storm", 1),
        ("calm", 9),
    ]
    assert [one.start for one in found[1:]] == [one.end for one in found[:-1]]
    assert found[1].per_step == pytest.approx((19 * 7 + 1) / 20)


def test_a_plateau_of_storm_without_a_peak_is_no_jump() -> None:
    changes = rippled(60)
    changes[20:30] = [7.0] * 10
    assert find_jumps(places(61), changes) == ()


def test_frames_placed_densely_in_the_storm_do_not_make_it_the_rule() -> None:
    """The same journey, its storm in ten times as many frames: the same speed is typical, the same part storms."""
    u = [*np.linspace(0, 0.4, 21), *np.linspace(0.4, 0.6, 101)[1:], *np.linspace(0.6, 1, 21)[1:]]
    speeds = np.array([50.0] * 20 + [400.0] * 100 + [50.0] * 20)
    changes = (speeds * np.diff(u)).tolist()
    assert typical(np.array(u), speeds)[0] == 50.0
    storm = [one for one in find_stretches(u, changes) if one.kind == "storm"]
    assert [(one.start, one.end) for one in storm] == [(pytest.approx(0.4), pytest.approx(0.6))]


def test_one_long_step_of_an_adaptive_film_is_a_calm_of_its_own() -> None:
    u = [0.0, 0.01, 0.02, 0.03, 0.3, 0.31, 0.32, 0.33, 0.6, 0.61, 0.62, 0.63, 1.0]
    found = find_stretches(u, [5.0] * 12)
    assert [one.kind for one in found] == ["storm", "calm", "storm", "calm", "storm", "calm"]
    assert [one.end for one in found[::2]] == [0.03, 0.33, 0.63]


def test_what_stands_still_does_not_storm_for_a_little_noise() -> None:
    changes = [0.0] * 40
    changes[10] = 0.04  # 1.6 levels per unit of u, while nothing else moves
    assert [one.kind for one in find_stretches(places(41), changes)] == ["calm"]
    assert find_jumps(places(41), changes) == ()


def test_a_jump_that_no_eye_sees_is_none() -> None:
    changes = [0.01] * 40
    changes[10] = 0.9
    assert find_jumps(places(41), changes) == ()
    changes[10] = 1.1
    assert len(find_jumps(places(41), changes)) == 1


def test_the_median_weighs() -> None:
    assert weighted_median(np.array([5.0, 1.0, 3.0]), np.array([0.1, 0.3, 0.6])) == 3.0
    assert weighted_median(np.array([5.0, 1.0, 3.0]), np.array([0.1, 0.8, 0.1])) == 1.0
