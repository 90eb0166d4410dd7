"""Prompts in pictures: what a recipe's words become, on the whole model with random weights."""

import json

import numpy as np
import pytest
import torch

from garasu.images.infotext import read_infotext
from garasu.images.metadata import read_metadata
from garasu.tasks.picture import Picture
from garasu.tasks.refusal import RecipeError
from garasu.tasks.txt2img import Txt2Img, txt2img, txt2img_together


def pixels(picture) -> np.ndarray:
    return np.asarray(getattr(picture, "image", picture)).astype(int)


def test_editing_tells_the_u_net_other_words_from_that_step_on(tiny):
    seen = []
    unet = tiny.denoiser.network
    handle = unet.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[2].clone()))
    try:
        txt2img(tiny, "a [cat:dog:2]", seed=3, steps=5)
    finally:
        handle.remove()
    cat, dog, nothing = (tiny.encode(text).tensor for text in ("a cat", "a dog", ""))
    assert len(seen) == 5
    for step, context in enumerate(seen, start=1):
        assert torch.allclose(context, torch.cat([nothing, cat if step <= 2 else dog]), atol=1e-6)


@pytest.mark.parametrize(
    ("words", "plain"),
    [
        ("a [cat:dog:0]", "a dog"),
        ("a [cat:dog:1.0]", "a cat"),
        ("[a|a] cat", "a cat"),
        ("a cat AND a cat :0", "a cat"),
        ("a cat <lora:none:1>", "a cat"),
    ],
)
@pytest.mark.filterwarnings("ignore::garasu.prompts.conditioning.NetworkIgnored")
def test_prompts_that_come_to_the_same_give_the_same_picture(tiny, words, plain):
    made, expected = (txt2img(tiny, text, seed=3, steps=3) for text in (words, plain))
    assert np.abs(pixels(made) - pixels(expected)).max() <= 1
    assert made.recipe.prompt == words


def test_composition_adds_up_predictions(tiny):
    made = txt2img(tiny, "a cat AND a dog :-0.5", seed=3, steps=1, guidance_scale=3, sampler="euler")
    x0 = {}
    for text in ("a cat", "a dog", ""):
        first = next(tiny.sample(tiny.encode(text), seed=3, steps=1, guidance_scale=1, sampler="euler"))
        x0[text] = first.x0
    nothing = x0[""]
    latent = nothing + 3 * ((x0["a cat"] - nothing) - 0.5 * (x0["a dog"] - nothing))
    assert np.abs(pixels(made) - pixels(tiny.decode(latent))).max() <= 1


def test_a_batch_of_all_kinds_of_prompts_makes_each_picture_as_alone(tiny):
    prompts = ["a cat", "a [cat:dog:0.5]", "a cat AND a dog :0.7", "[cat|dog]", "(cat:1.4), " * 40, "a BREAK cat"]
    recipes = [Txt2Img(prompt=text, negative_prompt="[dog:black:3]", seed=3, steps=4) for text in prompts]
    made = [one for one in txt2img_together(tiny, recipes) if isinstance(one, Picture)]
    assert [one.recipe.prompt for one in made] == prompts
    for picture in made:
        alone = txt2img(tiny, picture.recipe)
        assert np.abs(pixels(alone) - pixels(picture)).max() <= 1
    assert len({one.image.tobytes() for one in made}) == len(prompts)


def test_without_guidance_a_negative_prompt_is_not_read_in_any_batch(tiny):
    plain = Txt2Img(prompt="a cat AND a dog", guidance_scale=1, seed=3, steps=3)
    spoilt = plain.but(negative_prompt="black, " * 80)
    for batch in ([spoilt], [spoilt, plain.but(guidance_scale=2)]):
        first = next(one for one in txt2img_together(tiny, batch) if isinstance(one, Picture))
        assert np.abs(pixels(first) - pixels(txt2img(tiny, plain))).max() <= 1


def test_expressions_are_recipes_like_any_other(tiny, tmp_path):
    picture = txt2img(tiny, 'lerp(cat, dog, 0.25) + 0.5*(black - "")', syntax="algebra", seed=3, steps=3)
    picture.save(tmp_path / "cat.png")
    kept = read_metadata(tmp_path / "cat.png")
    again = txt2img(tiny, Txt2Img(**json.loads(json.dumps(kept.ours["recipe"]))))
    assert np.array_equal(pixels(again), pixels(picture))
    words = [tiny.encode(text).tensor for text in ("cat", "dog", "black", "")]
    tensor = torch.lerp(words[0], words[1], 0.25) + 0.5 * (words[2] - words[3])
    *_, step = tiny.sample(tensor, seed=3, steps=3)
    assert np.abs(pixels(tiny.decode(step.latent)) - pixels(picture)).max() <= 1


def test_two_walks_are_told_by_the_same_schedule(tiny):
    made = txt2img(tiny, "a [cat:dog:0.5]", seed=3, steps=4, hires_scale=1.5, hires_strength=0.5)
    assert made.image.size == (96, 96)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"emphasis": "no-norm"}, "No norm"),
        ({"emphasis": "ignore"}, "Ignore"),
        ({"syntax": "plain"}, "None"),
        ({}, None),
        ({"syntax": "comfy"}, None),
    ],
)
def test_a1111_is_told_its_names(tiny, tmp_path, fields, said):
    txt2img(tiny, "cat", seed=1, steps=1, **fields).save(tmp_path / "cat.png")
    text = read_metadata(tmp_path / "cat.png").parameters
    assert read_infotext(text).fields.get("Emphasis") == said


def test_wrong_names_are_refused(tiny):
    with pytest.raises(RecipeError, match="syntax"):
        Txt2Img(prompt="cat", syntax="runes")
    with pytest.raises(RecipeError, match="emphasis"):
        Txt2Img(prompt="cat", emphasis="loud")
    with pytest.raises(RecipeError, match=r"column 6 of the expression: cat \+\)"):
        Txt2Img(prompt="cat +", syntax="algebra")
    with pytest.raises(RecipeError, match="t has no value"):
        Txt2Img(prompt="cat", negative_prompt="t*dog", syntax="algebra")
    with pytest.raises(RecipeError, match="max_chunks must be at least 1"):
        Txt2Img(prompt="cat", max_chunks=0)
