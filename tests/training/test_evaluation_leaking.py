"""Colour leaking: which colours are asked for, and what is counted."""

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from garasu.training.evaluation import leaking
from garasu.training.evaluation.leaking import NOTHING, PAIRS, Colors, combinations, measure_leaking
from garasu.training.evaluation.measures import Score
from garasu.training.evaluation.questions import Question
from garasu.world.scene import Scene, is_held_out, labels


def values(pair: tuple[str, str, str]) -> list[tuple[str, str]]:
    return [one.values for one in combinations(*pair)]


def test_a_blue_collar_can_leak_into_eyes_and_no_colour_into_a_collar() -> None:
    assert values(("cat", "accessory", "eyes")) == [("blue collar", "yellow"), ("blue collar", "green")]
    assert Colors("accessory", "eyes", ("blue collar", "green")).chances == {"eyes": "blue"}
    assert values(("girl", "accessory", "dress")) == [("red hat", name) for name in ("blue", "green", "yellow")]


def test_hair_and_dress_can_leak_both_ways_where_both_know_the_colours() -> None:
    asked = values(("girl", "hair", "dress"))
    assert ("blue", "yellow") in asked
    assert ("yellow", "blue") in asked
    assert Colors("hair", "dress", ("blue", "yellow")).chances == {"hair": "yellow", "dress": "blue"}
    assert Colors("hair", "dress", ("blue", "red")).chances == {"dress": "blue"}, "there is no red hair"
    assert ("black", "red") not in asked, "no black dress, no red hair"
    assert ("blue", "blue") not in asked


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_every_pair_can_be_asked(pair: tuple[str, str, str]) -> None:
    asked = combinations(*pair)
    assert len(asked) > 1
    assert all(one.chances for one in asked)
    assert len(set(asked)) == len(asked)


def test_the_same_colours_the_other_way_round_are_asked_next() -> None:
    found = [one.values for one, _ in leaking._ask(("girl", "hair", "dress"), 10, seed=3)]
    first = found.index(("blue", "yellow")), found.index(("yellow", "blue"))
    assert abs(first[0] - first[1]) == 1


def test_counts_are_of_pictures_and_of_chances() -> None:
    asked = Colors("hair", "dress", ("blue", "yellow"))
    one_way = Colors("hair", "dress", ("blue", "red"))
    found = NOTHING.with_one(asked, {"hair": "blue", "dress": "yellow"})
    assert (found.both, found.leaked) == (Score(1, 1), Score(0, 2))
    found = found.with_one(asked, {"hair": "yellow", "dress": "blue"})
    assert (found.both, found.leaked) == (Score(1, 2), Score(2, 4))
    found = found.with_one(one_way, {"hair": "blue", "dress": "blue"})
    assert (found.both, found.leaked) == (Score(1, 3), Score(3, 5))
    found = found.with_one(one_way, {"hair": "black", "dress": "green"})
    assert (found.both, found.leaked) == (Score(1, 4), Score(3, 6)), "wrong, but no leak"
    assert found + found == leaking.Leaks(Score(2, 8), Score(6, 12))


class Told(nn.Module):
    """A probe that is told what is in the pictures of a model (whose first pixel counts) and in drawings (white)."""

    config = SimpleNamespace(size=8)

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.of_pictures: list[dict[str, str]] = []
        self.of_drawings: list[dict[str, str]] = []

    def read(self, images: Tensor) -> list[dict[str, str]]:
        (level,) = ((images[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()
        return [self.of_drawings.pop(0) if level == 255 else self.of_pictures[level]]

    def draw(self, scenes: Sequence[Scene], seeds: Sequence[int], size: int) -> Tensor:
        self.of_drawings += map(labels, scenes)
        return torch.ones(len(scenes), 3, size, size)


def painter_of(probe: Told, asked: list[Question], change: Any) -> Any:
    def paint(questions: Sequence[Question]) -> list[Image.Image]:
        asked.extend(questions)
        probe.of_pictures = [change(labels(one.scene)) for one in questions]
        return [Image.new("RGB", (8, 8), (number, 0, 0)) for number in range(len(questions))]

    return paint


def swapped(seen: dict[str, str]) -> dict[str, str]:
    """Whatever else has a colour takes that of the background, or of the hair."""
    color = seen["background_color"] if seen["background_color"] != "none" else seen["hair"]
    return {name: color if name in ("hair", "dress", "fur", "eyes") else value for name, value in seen.items()}


def test_a_model_without_and_one_with_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    probe, asked = Told(), list[Question]()
    monkeypatch.setattr(leaking, "draw", probe.draw)
    found = measure_leaking(painter_of(probe, asked, dict), probe, 4.0, prompts=6)  # type: ignore[arg-type]
    assert found.pictures == found.drawings
    assert found.pictures.both == Score(60, 60)
    assert found.pictures.leaked.right == 0
    assert [(one.subject, one.first, one.second) for one in found.pairs] == list(PAIRS)
    assert all(one.pictures.both.of == 6 for one in found.pairs)

    leaky = measure_leaking(painter_of(probe, [], swapped), probe, 4.0, prompts=6)  # type: ignore[arg-type]
    assert leaky.drawings == found.drawings
    assert leaky.pictures.leaked.of == found.pictures.leaked.of
    assert leaky.pictures.leaked.right > 0
    by_pair = {(one.first, one.second): one.pictures for one in leaky.pairs}
    eyes = by_pair["eyes", "background_color"]
    assert eyes.both == Score(0, 6)
    assert 0 < eyes.leaked.share < 1, "the background keeps its own colour"
    assert by_pair["shield", "background_color"].leaked.right == 0
    assert not math.isnan(eyes.leaked.share)


def test_scenes_are_simple_and_seen() -> None:
    asked: list[Question] = []
    probe = Told()

    class EnoughError(Exception):
        pass

    def paint(questions: Sequence[Question]) -> list[Image.Image]:
        asked.extend(questions)
        raise EnoughError

    with pytest.raises(EnoughError):
        measure_leaking(paint, probe, 1.0, prompts=20)  # type: ignore[arg-type]
    assert len(asked) == 20 * len(PAIRS)
    assert len({one.seed for one in asked}) == len(asked)
    for one in asked:
        assert not is_held_out(one.scene)
        assert (one.scene.style, one.scene.count, one.scene.place) == ("flat", "1", "center")
    collars = asked[120:140]
    assert {(one.scene.accessory, one.scene.eyes) for one in collars} == {
        ("blue collar", "yellow"), ("blue collar", "green")
    }  # fmt: skip
    assert all("blue collar" in one.prompt and f"{one.scene.eyes} eyes" in one.prompt for one in collars)
