"""Scenes: weights, what is possible, held-out combinations, labels."""

import random
from collections import Counter

import pytest

from garasu.world.scene import (
    ATTRIBUTES,
    BACKGROUNDS,
    HELD_OUT,
    STYLES,
    SUBJECTS,
    Scene,
    SceneError,
    held_out_scene,
    is_held_out,
    labels,
    random_scene,
)

CAT = Scene("cat", background_color="white", pose="sitting", fur="black", pattern="plain", eyes="green")
MANY = 20_000


@pytest.fixture(scope="module")
def training_scenes() -> list[Scene]:
    rng = random.Random(0)
    return [random_scene(rng) for _ in range(MANY)]


@pytest.fixture(scope="module")
def all_scenes() -> list[Scene]:
    rng = random.Random(1)
    return [random_scene(rng, held_out=True) for _ in range(MANY)]


def shows(scene: Scene, combination: dict[str, str]) -> bool:
    return combination.items() <= vars(scene).items()


def test_training_never_sees_a_held_out_combination(training_scenes: list[Scene]) -> None:
    assert not any(shows(scene, dict(combination)) for scene in training_scenes for combination in HELD_OUT)


def test_held_out_scenes_are_five_to_eight_percent(all_scenes: list[Scene]) -> None:
    assert 0.05 < sum(map(is_held_out, all_scenes)) / MANY < 0.08


def test_held_out_scenes_show_every_combination() -> None:
    rng = random.Random(2)
    found = [held_out_scene(rng) for _ in range(400)]
    assert all(map(is_held_out, found))
    assert all(any(shows(scene, dict(combination)) for scene in found) for combination in HELD_OUT)


def test_every_part_of_a_held_out_combination_is_in_training(training_scenes: list[Scene]) -> None:
    """Only the composition is new: each attribute value alone is familiar."""
    seen = {item for scene in training_scenes for item in vars(scene).items()}
    assert all(combination.items() <= seen for combination in HELD_OUT)


@pytest.mark.parametrize(
    ("name", "weights"),
    [("subject", SUBJECTS), ("style", STYLES), ("background", BACKGROUNDS)],
    ids=lambda v: str(v)[:9],
)
def test_weights_are_kept(all_scenes: list[Scene], name: str, weights: dict[str, float]) -> None:
    counts = Counter(getattr(scene, name) for scene in all_scenes)
    total = sum(weights.values())
    assert counts.keys() == weights.keys()
    assert all(abs(counts[value] / MANY - weight / total) < 0.015 for value, weight in weights.items())


def test_most_scenes_show_one_large_subject(all_scenes: list[Scene]) -> None:
    assert sum(scene.count == "1" for scene in all_scenes) / MANY > 0.85
    assert sum(scene.place == "center" for scene in all_scenes) / MANY == pytest.approx(0.76, abs=0.02)
    assert sum(scene.count == "3" for scene in all_scenes) / MANY < 0.05


def test_fixed_attributes_are_kept() -> None:
    rng = random.Random(3)
    scenes = [random_scene(rng, subject="kitten", fur="white", background="sea") for _ in range(50)]
    assert {(scene.subject, scene.fur, scene.background) for scene in scenes} == {("kitten", "white", "sea")}
    assert len({scene.style for scene in scenes}) > 2


@pytest.mark.parametrize(
    "fixed", [{"subject": "cake", "fur": "black"}, {"subject": "cake", "background": "beach"}, {"style": "oil"}]
)
def test_a_contradiction_is_refused(fixed: dict[str, str]) -> None:
    with pytest.raises(SceneError, match="no such scene"):
        random_scene(random.Random(0), **fixed)


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "fox"},
        {"style": "oil"},
        {"fur": "none"},
        {"fur": "white", "pattern": "bicolor"},
        {"pose": "sleeping"},  # with open eyes
        {"count": "2", "place": "left"},
        {"background": "sea"},  # with a plain background's colour
        {"background_color": "none"},
        {"dress": "red"},
    ],
)
def test_impossible_scenes_are_refused(change: dict[str, str]) -> None:
    with pytest.raises(SceneError, match="choose one of"):
        Scene(**{**vars(CAT), **change})


def test_labels_name_every_attribute() -> None:
    assert labels(CAT) == vars(CAT)
    assert tuple(labels(CAT)) == ATTRIBUTES


@pytest.mark.parametrize(
    ("fur", "seen"), [("black", "black"), ("white", "white"), ("orange", "none"), ("gray", "none")]
)
@pytest.mark.parametrize("style", ["pencil", "charcoal"])
def test_gray_styles_hide_colours(style: str, fur: str, seen: str) -> None:
    found = labels(Scene(**{**vars(CAT), "style": style, "fur": fur}))
    assert (found["fur"], found["eyes"], found["background_color"]) == (seen, "none", "none")
    assert found["pattern"] == "plain"


def test_several_have_no_place() -> None:
    assert labels(Scene(**{**vars(CAT), "count": "3"}))["place"] == "none"
