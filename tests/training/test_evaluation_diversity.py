"""Diversity over seeds: the distance by hand, and on models that always or never draw the same."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import combinations
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from garasu.images.convert import to_pictures
from garasu.training.evaluation import diversity
from garasu.training.evaluation.diversity import FULL, PROMPTS, SHORT, mean_distance, measure_diversity
from garasu.training.evaluation.features import OWN, Eye
from garasu.training.evaluation.probe import draw
from garasu.training.evaluation.questions import Question, ask
from garasu.world.scene import is_held_out


class Pixels(nn.Module):
    """A tower that sees 4×4 pixels."""

    config = SimpleNamespace(image_size=4)

    def __init__(self) -> None:
        super().__init__()
        self.class_embedding = nn.Parameter(torch.zeros(1))

    def forward(self, pixels: Tensor) -> Tensor:
        return pixels.flatten(1) + 1.5


EYE = Eye(Pixels(), OWN, (16, 16))  # type: ignore[arg-type]


def test_the_mean_distance_of_all_pairs() -> None:
    unit = torch.eye(3).double()
    assert mean_distance(unit) == pytest.approx(1)
    assert mean_distance(unit[[0, 0, 0]]) == pytest.approx(0)
    assert mean_distance(torch.stack([unit[0], -unit[0]])) == pytest.approx(2)
    assert mean_distance(unit[[0, 0, 1]]) == pytest.approx(2 / 3)
    some = nn.functional.normalize(torch.randn(7, 5, generator=torch.Generator().manual_seed(0)).double(), dim=1)
    pairs = [1 - float(some[a] @ some[b]) for a, b in combinations(range(7), 2)]
    assert mean_distance(some) == pytest.approx(sum(pairs) / len(pairs))


def test_every_prompt_gets_its_seeds_and_drawings_that_fit_it() -> None:
    asked: list[Question] = []

    def paint(questions: Sequence[Question]) -> list[Image.Image]:
        asked.extend(questions)
        return to_pictures(draw([one.scene for one in questions], [one.seed for one in questions], 16))

    found = measure_diversity(paint, EYE, 4.0, seeds=3)
    assert len(asked) == 3 * PROMPTS == 3 * (len(SHORT) + FULL)
    assert len({one.seed for one in asked}) == len(asked)
    assert list(found.prompts) == [one.prompt for one in asked[::3]]
    assert [one.prompt for one in asked[1::3]] == [one.prompt for one in asked[2::3]] == list(found.prompts)
    assert not any(is_held_out(one.scene) for one in asked)
    for one in asked[: 3 * len(SHORT)]:
        assert SHORT[one.prompt].items() <= asdict(one.scene).items()
    full = [one.scene for one in asked[3 * len(SHORT) :]]
    assert full == [one.scene for one in ask(FULL, held_out=False) for _ in range(3)]
    assert (found.guidance_scale, found.seeds) == (4.0, 3)


def test_real_drawings_are_as_diverse_as_drawings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diversity, "DRAWINGS", 1)
    found = measure_diversity(
        lambda asked: to_pictures(draw([one.scene for one in asked], [one.seed for one in asked], 16)),
        EYE,
        1.0,
        seeds=24,
    )
    assert 0.6 < found.short.ratio < 1.5
    assert 0.5 < found.full.ratio < 2
    assert found.short.drawings > 3 * found.full.drawings, "short prompts leave more open"
    assert found.short.drawings == pytest.approx(sum(found.prompts[one].drawings for one in SHORT) / len(SHORT))


def test_a_model_that_always_draws_the_same_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diversity, "DRAWINGS", 1)
    found = measure_diversity(lambda asked: [Image.new("RGB", (16, 16), "gray")] * len(asked), EYE, 1.0, seeds=2)
    assert found.short.pictures == pytest.approx(0, abs=1e-6)
    assert found.full.ratio == pytest.approx(0, abs=1e-4)
    assert found.short.drawings > 0
