"""When a prompt changes that changes on the way: by the walk's steps, or as A1111 counts. Expected by hand."""

import pytest
import torch
from PIL import Image

from garasu.tasks.img2img import Img2Img, img2img_steps
from garasu.tasks.txt2img import Txt2Img, txt2img_steps


@pytest.fixture
def heard(tiny):
    """Walks as a recipe says, and says by letters what the U-Net was told at each evaluation: c is cat, d is dog."""
    words = {"c": tiny.encode("cat").tensor, "d": tiny.encode("dog").tensor}
    letters, rows = [], []

    def listen(_, given):
        (context,) = (one for one in given if isinstance(one, torch.Tensor) and one.ndim == 3)
        letters.extend(letter for letter, one in words.items() if torch.equal(one[0], context[rows[-1]]))

    def walk(recipe, make=txt2img_steps, row=-1, **others) -> str:
        letters.clear()
        rows.append(row)
        list(make(tiny, recipe, **others))
        return "".join(letters)

    hook = tiny.unet.register_forward_pre_hook(listen)
    yield walk
    hook.remove()


def recipe(prompt: str, steps: int = 10, sampler: str = "euler", **others) -> Txt2Img:
    return Txt2Img(prompt=prompt, seed=1, steps=steps, sampler=sampler, **others)


@pytest.mark.parametrize(
    ("prompt", "sampler", "like", "told"),
    [
        ("[cat:dog:4]", "euler", "diffusers", "c" * 4 + "d" * 6),
        ("[cat:dog:4]", "euler", "a1111", "c" * 5 + "d" * 5),  # evaluations 0 to 4
        ("[cat:dog:0.5]", "dpmpp_2m", "a1111", "c" * 6 + "d" * 4),
        ("[cat:dog:0.5]", "ddim", "a1111", "c" * 6 + "d" * 3),  # its tenth step is not walked
        ("[cat:dog:4]", "heun", "diffusers", "c" * 7 + "d" * 12),  # the eighth asks at the fifth step's level
        ("[cat:dog:4]", "heun", "a1111", "c" * 5 + "d" * 14),  # of 19 evaluations
        ("[cat:dog:0.5]", "heun", "a1111", "c" * 11 + "d" * 8),  # 0 to 10, half of 20
        ("[cat:dog:0.5]", "dpm2", "a1111", "c" * 11 + "d" * 8),
        ("[cat:dog:0.5]", "dpm2_a", "a1111", "c" * 11 + "d" * 8),
        ("[cat:dog:0.5]", "dpmpp_2s_a", "a1111", "c" * 11 + "d" * 8),
        ("[cat:dog:0.5]", "dpmpp_sde", "a1111", "c" * 11 + "d" * 8),
        ("[cat|dog]", "euler", "diffusers", "cdcdcdcdcd"),
        ("[cat|dog]", "euler", "a1111", "ccdcdcdcdc"),
    ],
)
def test_words_change_where_the_profile_says(heard, prompt, sampler, like, told):
    assert heard(recipe(prompt, sampler=sampler, like=like)) == told


def test_a_strength_takes_no_steps_from_a1111s_count(heard):
    picture = Image.new("RGB", (64, 64))
    fields = {"prompt": "[cat:dog:0.5]", "image": "in.png", "seed": 1, "steps": 10, "sampler": "euler", "strength": 0.7}
    assert heard(Img2Img(**fields), img2img_steps, image=picture) == "cccdddd"
    assert heard(Img2Img(**fields, like="a1111"), img2img_steps, image=picture) == "ccccccdd"


def test_guidance_in_a_part_of_the_walk_leaves_the_count_alone(heard):
    words = recipe("[cat:dog:4]", like="a1111", guidance_start=0.3, guidance_end=0.8)
    assert heard(words) == "c" * 5 + "d" * 5


@pytest.mark.parametrize(
    ("prompt", "sampler", "first", "second"),
    [
        ("[cat:dog:0.5]", "euler", "ccccdd", "dddddd"),
        ("[cat:dog:1.5]", "euler", "cccccc", "ccccdd"),
        ("[cat:dog:8]", "euler", "cccccc", "cccddd"),
        ("[cat:dog:14]", "heun", "c" * 11, "ccc" + "d" * 8),
        ("[cat|dog]", "euler", "ccdcdc", "ccdcdc"),
        ("cat", "euler", "cccccc", "cccccc"),
    ],
)
def test_a1111_counts_on_in_the_second_pass(heard, prompt, sampler, first, second):
    words = recipe(prompt, 6, sampler, like="a1111", hires_scale=1.5, hires_strength=0.5)
    assert heard(words) == first + second


def test_elsewhere_the_second_pass_begins_anew(heard):
    assert heard(recipe("[cat:dog:0.5]", 6, hires_scale=1.5, hires_strength=0.7)) == "cccddd" + "ccdd"


def test_a_negative_prompt_is_counted_as_the_prompt_is(heard):
    words = recipe("cat", 6, like="a1111", negative_prompt="[dog:cat:1.5]", hires_scale=1.5, hires_strength=0.5)
    assert heard(words, row=0) == "dddddd" + "ddddcc"
    assert heard(words) == "c" * 12
