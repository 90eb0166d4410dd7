import json
import re

import pytest

from garasu.diffusion.samplers import SAMPLERS
from garasu.diffusion.spacing import SPACINGS
from garasu.tasks.recipe import Recipe
from garasu.tasks.refusal import RecipeError
from garasu.tasks.txt2img import Txt2Img


def test_a_recipe_comes_back_from_json():
    recipe = Txt2Img(prompt='猫\n"cat"', seed=2**63 - 1, guidance_scale=0.1, width=96)
    assert Txt2Img.from_json(recipe.to_json()) == recipe


def test_a_recipe_cannot_be_changed_but_copied():
    recipe = Txt2Img(prompt="cat", seed=3)
    with pytest.raises(ValueError, match="frozen"):
        recipe.seed = 4
    assert recipe.but(seed=4) == Txt2Img(prompt="cat", seed=4)
    with pytest.raises(RecipeError, match="steps must be at least 1, not 0"):
        recipe.but(steps=0)


def test_the_names_are_those_that_the_samplers_have():
    properties = Txt2Img.model_json_schema()["properties"]
    assert set(properties["sampler"]["enum"]) == set(SAMPLERS)
    spacings = next(choice["enum"] for choice in properties["spacing"]["anyOf"] if "enum" in choice)
    assert set(spacings) == set(SPACINGS)


def test_every_field_is_described_for_flags_and_forms():
    assert [name for name, field in Txt2Img.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "prompt is missing: give one"),
        ({"prompt": 3}, "prompt must be text, not 3"),
        ({"steps": 0}, "steps must be at least 1, not 0"),
        ({"steps": 1001}, "steps must be at most 1000, not 1001"),
        ({"steps": "many"}, "steps must be a whole number, not 'many'"),
        ({"steps": 2.5}, "steps must be a whole number, not 2.5"),
        ({"guidance_scale": float("nan")}, "guidance_scale must be finite, not nan"),
        ({"guidance_scale": "x"}, "guidance_scale must be a number, not 'x'"),
        ({"width": 100}, "width must be a multiple of 8, not 100 (96 and 104 are)"),
        ({"width": 5}, "width must be a multiple of 8, not 5 (8 is)"),
        ({"height": 0}, "height must be at least 8, not 0"),
        ({"count": 0}, "count must be at least 1, not 0"),
        ({"seed": -1}, "seed must be at least 0, not -1"),
        ({"eta": 2}, "eta must be at most 1, not 2"),
        ({"stepz": 3}, "there is no field stepz (did you mean steps or hires_steps?)"),
        (
            {"sampler": "eulr"},
            "sampler must be one of 'ddpm', 'ddim', 'plms', 'euler', 'euler_a', 'heun', 'restart', 'lms', 'dpm2', "
            "'dpm2_a', 'dpmpp_2s_a', 'dpmpp_sde', 'dpmpp_2m', 'dpmpp_2m_sde', 'dpmpp_3m_sde', 'unipc', 'deis' or "
            "'lcm', not 'eulr' (did you mean euler or euler_a?)",
        ),
        (
            {"sampler": "DPM++ 2M Karras", "spacing": "Exponential"},
            "sampler 'DPM++ 2M Karras' asks for the spacing karras, and spacing for exponential: drop one",
        ),
        ({"steps": 0, "count": 0}, "steps must be at least 1, not 0; count must be at least 1, not 0"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(fields, sentence):
    with pytest.raises(RecipeError) as refused:
        Txt2Img(**({"prompt": "cat"} | fields if fields else {}))
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("name", "meant"), [("DPM++ 2M a", "dpmpp_2m"), ("DPM fast", "dpm2"), ("dpmpp_2s", "dpmpp_2s_a"), ("Hoyn", "heun")]
)
def test_names_that_nobody_has_are_refused_with_near_ones(name, meant):
    with pytest.raises(RecipeError, match=f"sampler must be one of .* not '{re.escape(name)}' .did you mean.* {meant}"):
        Txt2Img(prompt="cat", sampler=name)


def test_names_of_other_tools_are_written_down_as_ours():
    recipe = Txt2Img(prompt="cat", sampler="DPM++ 2M Karras")
    assert (recipe.sampler, recipe.spacing) == ("dpmpp_2m", "karras")
    assert Txt2Img.from_json('{"prompt": "cat", "sampler": "k_euler_a", "spacing": "SGM Uniform"}') == Txt2Img(
        prompt="cat", sampler="euler_a", spacing="sgm_uniform"
    )
    assert Txt2Img(prompt="cat", sampler="DPM++ 2M", spacing="Automatic").spacing is None


def test_a_copy_with_a_name_for_both_replaces_both():
    recipe = Txt2Img(prompt="cat", sampler="euler", spacing="exponential")
    assert recipe.but(sampler="LMS Karras") == Txt2Img(prompt="cat", sampler="lms", spacing="karras")
    assert recipe.but(sampler="LMS").spacing == "exponential"
    with pytest.raises(RecipeError, match="asks for the spacing karras, and spacing for simple"):
        recipe.but(sampler="LMS Karras", spacing="simple")


@pytest.mark.parametrize(("text", "sentence"), [("{", "not JSON"), ("[1]", "not a JSON object"), ("{}", "prompt is")])
def test_json_that_is_no_recipe_is_refused(text, sentence):
    with pytest.raises(RecipeError, match=sentence):
        Txt2Img.from_json(text)


def test_a_new_task_is_described_once():
    class Twice(Recipe):
        word: str

    assert json.loads(Twice(word="a").to_json()) == {"word": "a"}
