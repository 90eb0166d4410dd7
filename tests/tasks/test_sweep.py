"""Sweeps: how values are written, which pictures are the same, and going on after an interruption."""

import json

import numpy as np
import pytest
from PIL import Image

from garasu.diffusion.steps import Step
from garasu.tasks.img2img import Img2Img
from garasu.tasks.picture import Picture
from garasu.tasks.refusal import RecipeError
from garasu.tasks.sweep import Point, Sweep, SweepError, columns_for, points, read_vary, settled_seed
from garasu.tasks.table import TASKS
from garasu.tasks.txt2img import Txt2Img

CAT = Txt2Img(prompt="a black cat", seed=1, steps=2, width=64, height=64)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("sampler=ddim,euler", ("ddim", "euler")),
        ("steps=10", ("10",)),
        ("seed=0:4", ("0", "1", "2", "3")),
        ("seed=0:10:4", ("0", "4", "8")),
        ("seed=4:0:-2", ("4", "2")),
        ("guidance_scale=1.0:2.0:0.5", ("1.0", "1.5", "2.0")),
        ("guidance_scale=0.6:0.75:0.1", ("0.6", "0.7")),
        ('prompt="a cat, a dog", bird', ("a cat, a dog", "bird")),
        ("prompt:cat=dog,bird", ("dog", "bird")),
        ("negative_prompt=,dog", ("", "dog")),
    ],
)
def test_values_are_written_in_a_row_or_as_a_range(text, values):
    assert read_vary(text, Txt2Img).values == values


def test_forty_strengths_are_one_word():
    values = read_vary("strength=0.6:0.99:0.01", Img2Img).values
    assert len(values) == 40
    assert (values[0], values[1], values[-1]) == ("0.60", "0.61", "0.99"), "decimal: no 0.6100000000000001"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stepz=1,2", r"no field 'stepz' to vary \(did you mean steps"),
        ("count=1,2", "no field 'count' to vary"),
        ("steps", "write steps=A,B,C or steps=FROM:TO:STEP"),
        ("steps=", "gives no values"),
        ("sampler:ddim=euler", "in prompt and negative_prompt, not in sampler"),
        ("steps=1:9:0", "never comes to its end"),
        ("steps=9:1", "never comes to its end"),
        ("seed=0:1000000", "more than 10000 pictures"),
    ],
)
def test_what_cannot_vary_is_refused(text, sentence):
    with pytest.raises(SweepError, match=sentence):
        read_vary(text, Txt2Img)


def test_the_last_field_turns_fastest():
    varied = [read_vary("prompt:cat=dog,bird", Txt2Img), read_vary("steps=1,2,3", Txt2Img)]
    found = points(CAT, varied)
    assert [(one.recipe.prompt, one.recipe.steps) for one in found] == [
        (f"a black {animal}", steps) for animal in ("dog", "bird") for steps in (1, 2, 3)
    ]
    assert found[4].label == "cat bird, steps 2"
    assert columns_for(varied) == 3
    with pytest.raises(SweepError, match="once"):
        points(CAT, [varied[1], varied[1]])
    with pytest.raises(SweepError, match="no 'fox' in the prompt 'a black cat'"):
        points(CAT, [read_vary("prompt:fox=dog", Txt2Img)])
    with pytest.raises(RecipeError, match="steps must be a whole number, not 'many'"):
        points(CAT, [read_vary("steps=many", Txt2Img)])


def test_strengths_that_leave_the_same_steps_are_one_picture():
    recipe = Img2Img(prompt="cat", image="a.png", seed=1, steps=30)
    found = points(recipe, [read_vary("strength=0.834,0.84,0.9", Img2Img)])
    assert [one.same_as for one in found] == [None, 1, None]


@pytest.mark.parametrize(("field", "value"), [("variation_seed", "3,4"), ("variation_slerp", "whole,columns")])
def test_variations_without_strength_are_one_picture(field, value):
    assert points(CAT, [read_vary(f"{field}={value}", Txt2Img)])[1].same_as == 1
    moving = CAT.but(variation_strength=0.5, variation_seed=2)
    assert points(moving, [read_vary(f"{field}={value}", Txt2Img)])[1].same_as is None


def swept(tmp_path, *texts: str) -> Sweep:
    varied = [read_vary(text, Txt2Img) for text in texts]
    sweep = Sweep(tmp_path / "sweep", TASKS["txt2img"], points(CAT, varied), columns_for(varied))
    sweep.begin({"vary": texts})
    return sweep


def test_every_picture_is_that_of_its_recipe(tiny, tmp_path):
    sweep = swept(tmp_path, "seed=1,2,1", "steps=2,3")
    made = [one for one in sweep.run(tiny) if isinstance(one, Point)]
    assert [one.index for one in made] == [1, 3, 2, 4], "seeds are made together, step counts one by one"
    lines = [json.loads(line) for line in (tmp_path / "sweep/sweep.jsonl").read_text().splitlines()]
    assert [line["file"] for line in lines] == ["1.png", "2.png", "3.png", "4.png", "1.png", "2.png"]
    assert [line["same_as"] for line in lines] == [None, None, None, None, 1, 2]
    assert lines[3]["values"] == {"seed": "2", "steps": "3"}
    for line in lines:
        recipe = Txt2Img(**line["recipe"])
        (alone,) = [one for one in TASKS["txt2img"].steps(tiny, recipe) if isinstance(one, Picture)]
        swept_one = Image.open(tmp_path / "sweep" / line["file"])
        assert np.abs(np.asarray(swept_one).astype(int) - np.asarray(alone.image)).max() <= 1
    assert Image.open(tmp_path / "sweep/grid.png").width == 2 * (64 + 8) + 8


def test_words_seeds_and_guidance_are_swept_together(tiny, tmp_path):
    sweep = swept(tmp_path, "prompt:cat=cat,dog", "seed=1,2", "guidance_scale=1,3")
    sizes = [len(one.latent) for one in sweep.run(tiny) if isinstance(one, Step)]
    assert sizes == [8] * 3
    for point in sweep.points:
        (alone,) = [one for one in TASKS["txt2img"].steps(tiny, point.recipe) if isinstance(one, Picture)]
        difference = np.asarray(Image.open(sweep.file(point))).astype(int) - np.asarray(alone.image)
        assert np.abs(difference).max() <= 1


def test_an_interrupted_sweep_goes_on(tiny, tmp_path):
    sweep = swept(tmp_path, "seed=1:5")
    for made in sweep.run(tiny):
        if isinstance(made, Point) and made.index == 2:
            break
    assert not (tmp_path / "sweep/grid.png").exists()
    again = swept(tmp_path, "seed=1:5")
    assert [one.index for one in again.missing()] == [3, 4]
    assert [one.index for one in again.run(tiny) if isinstance(one, Point)] == [3, 4]
    assert (tmp_path / "sweep/grid.png").exists()
    with pytest.raises(SweepError, match="holds another sweep"):
        swept(tmp_path, "seed=1:6")


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "letter.txt").write_text("dear")
    with pytest.raises(SweepError, match="no empty folder"):
        swept(tmp_path, "seed=1,2")


def test_a_seed_left_open_is_the_same_for_all_and_next_time(tmp_path):
    open_seed = Txt2Img(prompt="cat")
    first = settled_seed(open_seed, tmp_path)
    assert first.seed is not None
    (tmp_path / "sweep.json").write_text(json.dumps({"recipe": first.model_dump()}))
    assert settled_seed(open_seed, tmp_path) == first
    with pytest.raises(RecipeError, match="vary the seed"):
        settled_seed(Txt2Img(prompt="cat", count=2), tmp_path)
