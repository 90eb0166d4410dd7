"""Each measurement against numbers worked out by hand, on models that answer as the test wants."""

import math
import random
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from garasu.images.convert import to_pictures, to_tensor
from garasu.training.evaluation import measures
from garasu.training.evaluation.measures import Score, judge, pictures_of, retrieval, seconds_per_picture
from garasu.training.evaluation.questions import Question, ask, named, unsaid
from garasu.world import words
from garasu.world.scene import Scene, is_held_out, labels, random_scene

# questions


def test_questions_are_held_out_or_not_and_depend_on_their_number_alone() -> None:
    for held_out in (True, False):
        few, many = ask(5, held_out=held_out), ask(60, held_out=held_out)
        assert few == many[:5]
        assert {is_held_out(one.scene) for one in many} == {held_out}
        assert len({one.seed for one in many}) == 60
        assert many != ask(60, held_out=held_out, seed=1)


def test_the_prompt_says_everything_that_counts_as_named() -> None:
    spellings = {"gray": ("gray", "grey"), "munch": ("munch",), "2": ("two",), "3": ("three",)}
    said = 0
    for question in ask(200, held_out=False) + ask(200, held_out=True):
        prompt = question.prompt.lower()
        for name, value in named(question.scene).items():
            if name == "background" and value != "plain":
                forms = {word for phrase in words.PLACES[value] for word in phrase.split()}
            elif name == "style":
                tags = (*words.STYLE_TAGS[value], *words.STYLE_LEADS[value])
                forms = {tag.lower() for tag in tags}
            elif (name, value) == ("background", "plain"):
                forms = {"background"} if question.scene.background_color != "none" else {""}
            elif name == "accessory":
                forms = {phrase.split()[-1] for phrase in words.ACCESSORIES[value]}
            else:
                forms = set(spellings.get(value, (value,)))
            assert any(form in prompt for form in forms), (name, value, prompt)
            said += 1
    assert said > 1500


def test_what_goes_without_saying_is_counted_apart() -> None:
    scene = Scene("cat", background="sea", pose="sleeping", fur="black", pattern="plain", accessory="none")
    assert named(scene) == {"subject": "cat", "background": "sea", "pose": "sleeping", "fur": "black"}
    expected = {"style": "flat", "count": "1", "place": "center", "pattern": "plain", "accessory": "none"}
    assert unsaid(scene) == expected
    cake = Scene("cake", background="sea", icing="pink", style="pencil")
    assert named(cake) == {"subject": "cake", "background": "sea", "style": "pencil"}, "pencil shows no pink"
    assert unsaid(cake) == {"count": "1", "place": "center"}, "a cake cannot wear anything"


def test_every_visible_attribute_is_named_or_goes_without_saying() -> None:
    rng = random.Random(0)
    for _ in range(300):
        scene = random_scene(rng, held_out=True)
        told, left = named(scene), unsaid(scene)
        assert not told.keys() & left.keys()
        assert (told | left).items() <= labels(scene).items()


# obedience


class Oracle(nn.Module):
    """A probe that is told what it sees."""

    def __init__(self, seen: list[dict[str, str]]) -> None:
        super().__init__()
        self.answers = iter(seen)
        self.weight = nn.Parameter(torch.zeros(1))

    def read(self, images: Tensor) -> list[dict[str, str]]:
        return [next(self.answers) for _ in images]


def test_verdicts_count_what_was_named_and_what_was_left_unsaid() -> None:
    cat = Scene("cat", background="sea", pose="sitting", fur="black", eyes="green", pattern="tabby", accessory="none")
    dog = Scene("dog", background="snow", pose="sitting", fur="white", pattern="plain", accessory="crown")
    truth = [labels(cat), labels(dog)]
    seen = [truth[0] | {"fur": "gray", "accessory": "red hat"}, truth[1] | {"subject": "cat", "eyes": "blue"}]
    questions = [Question(cat, "", 0), Question(dog, "", 1)]
    verdict = judge(Oracle(seen), questions, [Image.new("RGB", (8, 8))] * 2)  # type: ignore[arg-type]
    assert verdict.named == {
        "subject": Score(1, 2), "background": Score(2, 2), "pose": Score(2, 2), "fur": Score(1, 2),
        "pattern": Score(1, 1), "eyes": Score(1, 1), "accessory": Score(1, 1),
    }  # fmt: skip
    assert verdict.unsaid == {
        "style": Score(2, 2), "count": Score(2, 2), "place": Score(2, 2),
        "accessory": Score(0, 1), "pattern": Score(1, 1),
    }  # fmt: skip


def test_a_score_is_right_among_all() -> None:
    assert Score(3, 4).share == 0.75
    assert Score(3, 4).with_one(True) == Score(4, 5)
    assert Score(3, 4).with_one(False) == Score(3, 5)
    assert math.isnan(Score().share)


class Painter:
    """Stands in for a model: remembers what it was asked, and paints the number of the question."""

    device, dtype, native_size = torch.device("cpu"), torch.float32, (16, 8)

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], dict[str, Any]]] = []

    def encode(self, prompts: str | list[str], clip_skip: int) -> list[str]:
        self.clip_skip = clip_skip
        return [prompts] if isinstance(prompts, str) else prompts

    def sample(self, prompts: list[str], *, seed: list[int] | int, **settings: Any) -> Iterator[SimpleNamespace]:
        self.asked.append((prompts, {"seed": seed, **settings}))
        yield SimpleNamespace(latent="unfinished")
        yield SimpleNamespace(latent=prompts)

    def decode_each(self, latent: list[str]) -> list[Image.Image]:
        return [Image.new("RGB", (8, 8), (int(one), 0, 0)) for one in latent]


def test_every_question_gets_its_own_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "ROWS_ON_CPU", 4)
    scene = random_scene(random.Random(0))
    painter = Painter()
    questions = [Question(scene, str(number), 100 + number) for number in range(10)]
    pictures = list(pictures_of(painter, questions, {"steps": 3, "clip_skip": 2}))  # type: ignore[arg-type]
    assert [picture.getpixel((0, 0)) for picture in pictures] == [(number, 0, 0) for number in range(10)]
    assert [asked["seed"] for _, asked in painter.asked] == [[100, 101, 102, 103], [104, 105, 106, 107], [108, 109]]
    assert {asked["steps"] for _, asked in painter.asked} == {3}
    assert painter.clip_skip == 2
    assert painter.asked[0][1]["negative"] == [""]


def test_a_picture_is_timed_from_prompt_to_pixels() -> None:
    painter = Painter()
    painter.encode = lambda *_, **__: ["7"]  # type: ignore[method-assign, assignment]
    assert 0 < seconds_per_picture(painter, {"steps": 2}, repeats=3) < 1  # type: ignore[arg-type]
    assert len(painter.asked) == 4, "one to warm up"


# retrieval


class Towers:
    """Both of CLIP's towers agree, up to a shift of the captions."""

    device, dtype, native_size = torch.device("cpu"), torch.float32, (16, 16)
    image_encoder: Any = None
    text_encoder = SimpleNamespace(projection=object())


@pytest.mark.parametrize(("shift", "expected"), [(0, 1.0), (1, 0.0)])
def test_retrieval_finds_its_own_caption(monkeypatch: pytest.MonkeyPatch, shift: int, expected: float) -> None:
    model = Towers()

    class Eye(nn.Module):
        config = SimpleNamespace(image_size=16)

        def forward(self, pixels: Tensor) -> Tensor:
            assert pixels.shape[1:] == (3, 16, 16)
            return torch.eye(len(pixels))

    model.image_encoder = Eye()
    monkeypatch.setattr(measures, "_caption_vectors", lambda _, captions: torch.eye(len(captions)).roll(shift, 0))
    found = retrieval(model, batches=2)  # type: ignore[arg-type]
    assert found is not None
    assert (found.share, found.batches) == (expected, 2)


def test_retrieval_needs_both_towers() -> None:
    assert retrieval(Towers(), batches=1) is None  # type: ignore[arg-type]
    model = Towers()
    model.image_encoder = object()
    model.text_encoder = SimpleNamespace(projection=None)  # type: ignore[assignment]
    assert retrieval(model, batches=1) is None  # type: ignore[arg-type]


def test_pictures_come_back_from_tensors() -> None:
    picture = Image.new("RGB", (4, 4), (10, 20, 30))
    assert to_pictures(to_tensor(picture))[0].getpixel((0, 0)) == (10, 20, 30)
