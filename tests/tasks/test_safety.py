"""--safety in every task: off, report, blank, and what happens without a checker."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from tests.conftest import build_tiny
from tests.networks.test_safety import TINY

from garasu.images.feature_extractor import FeatureExtractor
from garasu.images.metadata import read_metadata
from garasu.model import StableDiffusion
from garasu.networks.safety import SafetyChecker
from garasu.tasks.outpaint import outpaint
from garasu.tasks.picture import Picture
from garasu.tasks.refusal import RecipeError
from garasu.tasks.sweep import points, read_vary
from garasu.tasks.table import TASKS
from garasu.tasks.txt2img import Txt2Img, txt2img

BRIEF = {"steps": 2, "seed": 3, "width": 64, "height": 64}
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
MASK = Image.fromarray(np.kron([[0, 255], [0, 0]], np.ones((32, 32))).astype(np.uint8))
FURTHER = {
    "outpaint": {"left": 80, "width": None, "height": None},
    "upscale": {"width": None, "height": None, "steps": 4},
}


def guarded(threshold: float) -> StableDiffusion:
    """A small model with a small checker, which flags everything (-2) or nothing (2)."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        checker = SafetyChecker(TINY)
        for vectors in (checker.concept_embeds, checker.special_care_embeds):
            torch.nn.init.normal_(vectors)
        torch.nn.init.constant_(checker.concept_thresholds, threshold)
        torch.nn.init.constant_(checker.special_care_thresholds, 2)
    extractor = FeatureExtractor(size=28, crop=28)
    return StableDiffusion(replace(build_tiny().checkpoint, safety_checker=checker, feature_extractor=extractor))


@pytest.fixture(scope="module")
def strict() -> StableDiffusion:
    return guarded(-2)


@pytest.fixture(scope="module")
def lenient() -> StableDiffusion:
    return guarded(2)


def test_by_default_scores_are_reported_where_there_is_a_checker(strict, tiny):
    picture = txt2img(strict, "a cat", **BRIEF)
    assert picture.safety.flagged
    assert len(picture.safety.concepts) == 17
    assert picture.image.getextrema() != ((0, 0),) * 3
    assert picture.image.tobytes() == txt2img(tiny, "a cat", **BRIEF).image.tobytes()
    assert txt2img(tiny, "a cat", **BRIEF).safety is None
    assert txt2img(strict, "a cat", safety="off", **BRIEF).safety is None


def test_the_scores_are_those_of_the_finished_picture(strict):
    picture = txt2img(strict, "a cat", **BRIEF)
    with torch.no_grad():
        (expected,) = strict.safety_checker.judge(FeatureExtractor(size=28, crop=28)([picture.image]))
    assert picture.safety == expected


def test_blank_blanks_what_is_flagged_and_only_that(strict, lenient):
    black = txt2img(strict, "a cat", safety="blank", **BRIEF)
    assert black.image.getextrema() == ((0, 0),) * 3
    assert black.safety.flagged
    fine = txt2img(lenient, "a cat", safety="blank", **BRIEF)
    assert fine.image.tobytes() == txt2img(lenient, "a cat", safety="off", **BRIEF).image.tobytes()
    assert not fine.safety.flagged


@pytest.mark.parametrize("task", TASKS)
def test_every_task_blanks_all_that_it_would_write(task, strict, tmp_path):
    fields = {"prompt": "a cat", "safety": "blank", **BRIEF, **FURTHER.get(task, {})}
    if task != "txt2img":
        NOISE.save(tmp_path / "in.png")
        fields["image"] = str(tmp_path / "in.png")
    if task == "inpaint":
        MASK.save(tmp_path / "mask.png")
        fields["mask"] = str(tmp_path / "mask.png")
    made = list(TASKS[task].steps(strict, TASKS[task].recipe(**fields)))
    (picture,) = [one for one in made if isinstance(one, Picture)]
    for image in (picture.image, *picture.others.values()):
        assert image.getextrema() == ((0, 0),) * 3
    assert picture.safety.flagged


@pytest.mark.parametrize("safety", ["report", "blank"])
def test_a_large_page_is_checked_as_a_whole_and_not_window_by_window(safety, strict, monkeypatch):
    """Else a black window would be what the next goes on from."""
    sizes, ask = [], strict.check_safety

    def spy(pictures):
        sizes.extend(one.size for one in pictures)
        return ask(pictures)

    monkeypatch.setattr(strict, "check_safety", spy)
    knobs = {"left": 100, "right": 100, "steps": 2, "seed": 1}
    made = outpaint(strict, NOISE, "a beach", safety=safety, **knobs)
    assert sizes == [(264, 64)]
    assert made.recipe.safety == safety
    if safety == "report":
        assert made.image.tobytes() == outpaint(strict, NOISE, "a beach", safety="off", **knobs).image.tobytes()


@pytest.mark.parametrize("safety", ["report", "blank"])
def test_what_needs_a_checker_is_refused_without_one_before_any_step(tiny, safety):
    with pytest.raises(RecipeError, match=f"safety {safety} needs a safety checker, and the model tiny carries none"):
        next(TASKS["txt2img"].steps(tiny, Txt2Img(prompt="a cat", safety=safety, **BRIEF)))
    with pytest.raises(RecipeError, match="needs a safety checker"):
        outpaint(tiny, NOISE, "a beach", left=16, safety=safety)
    with pytest.raises(ValueError, match="carries no safety checker"):
        tiny.check_safety([NOISE])


def test_the_record_carries_every_score(strict, tmp_path):
    picture = txt2img(strict, "a cat", **BRIEF)
    picture.save(tmp_path / "cat.png")
    said = read_metadata(tmp_path / "cat.png").ours["safety"]
    assert said == json.loads(json.dumps(picture.safety.to_json()))
    assert said["flagged"] is True
    assert [len(said["special_care"]), len(said["concepts"])] == [3, 17]


def test_a_report_changes_no_pixel_so_a_sweep_makes_it_once():
    recipe = Txt2Img(prompt="a cat", **BRIEF)
    found = points(recipe, [read_vary("safety=off,report,blank", Txt2Img)])
    assert [one.same_as is None for one in found] == [True, False, True]
