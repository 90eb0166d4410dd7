"""What profiles make of a recipe, as a table."""

import pytest

from garasu.diffusion import SamplingError
from garasu.tasks.differences import differences
from garasu.tasks.img2img import Img2Img
from garasu.tasks.inpaint import Inpaint
from garasu.tasks.refusal import RecipeError
from garasu.tasks.txt2img import Txt2Img


def test_every_fact_of_img2img():
    found = differences(Img2Img(prompt="cat", image="x.png", strength=0.6, steps=30, seed=0)).found
    assert list(found) == ["diffusers", "compvis", "a1111"]
    assert [one["steps run"] for one in found.values()] == ["18 of 30", "18 of 30", "17 of 30"]
    assert [one["timesteps"] for one in found.values()] == ["562 529 496 … 34 1"] * 2 + ["562 529 496 … 67 34"]
    assert [one["begins as"] for one in found.values()] == [
        "1·picture + 1.998·noise",
        "0.9094·picture + 2.041·noise",
        "0.9094·picture + 2.041·noise",
    ]
    noises = [one["noise of seed 0"] for one in found.values()]
    assert noises == ["cpu: -1.1258 -1.1524 -0.2506", *["nv: -0.9247 -0.4253 -2.6438"] * 2]
    assert [one["pixels"] for one in found.values()] == ["rounded", "cut off", "cut off"]


def test_a_table_of_what_differs_and_a_line_of_what_does_not():
    lines = differences(Txt2Img(prompt="cat", seed=0, noise="nv", steps=10)).lines()
    assert lines[0].split() == ["diffusers", "compvis", "a1111"]
    assert lines[1].split() == ["steps", "run", "10", "of", "10", "10", "of", "10", "9", "of", "10"]
    assert lines[-1] == "the same in all: begins as 8.45·noise; noise of seed 0 nv: -0.9247 -0.4253 -2.6438"
    assert lines[1].index("9 of 10") == lines[0].index("a1111")


def test_who_cannot_do_it_says_why():
    found = differences(Inpaint(prompt="cat", image="x.png", sampler="euler", seed=0))
    assert list(found.found) == ["diffusers", "a1111"]
    assert [one["kept part"] for one in found.found.values()] == ["under the run's noise", "in every answer"]
    assert found.found["diffusers"]["begins as"] == "14.61·noise"
    assert found.lines()[-1] == "compvis: CompVis has the samplers ddim and plms, not 'euler': take one of them."
    assert found.lines()[-2].startswith("the same in these: steps run 25 of 25; ")
    only = differences(Txt2Img(prompt="cat", sampler="unipc", seed=0))
    assert list(only.found) == ["diffusers"]
    assert only.differing == []
    assert only.lines()[0].startswith("the same in these: ")


def test_a_second_pass_is_told():
    found = differences(Txt2Img(prompt="cat", seed=0, hires_scale=2, hires_strength=0.7, sampler="euler")).found
    assert found["diffusers"]["second pass"].startswith("17 steps from σ ")
    assert found["a1111"]["second pass"].startswith("25 steps from σ ")


def test_whatever_the_recipe_is_like_itself():
    known = Txt2Img(prompt="cat", seed=0, steps=10)
    assert differences(known.but(like="a1111")).found == differences(known).found


def test_if_none_can_do_it_diffusers_says_why():
    with pytest.raises(SamplingError, match="leaves none of 25 steps"):
        differences(Img2Img(prompt="cat", image="x.png", strength=0.01))
    with pytest.raises(RecipeError, match="samplers ddim and plms"):
        Txt2Img(prompt="cat", like="compvis", sampler="unipc")
