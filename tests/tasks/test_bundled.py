"""Pictures from pictures with the bundled model, judged by the probe: does it do what is promised?"""

import random
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from garasu.images.convert import to_tensor
from garasu.images.masks import grown, mask_of, mask_picture
from garasu.model import load
from garasu.prompts.conditioning import PromptCut
from garasu.tasks.img2img import img2img
from garasu.tasks.inpaint import inpaint
from garasu.tasks.picture import Picture
from garasu.tasks.txt2img import Txt2Img, txt2img, txt2img_together
from garasu.training.evaluation.probe_training import load_probe
from garasu.training.evaluation.promise import PROMISED
from garasu.training.evaluation.questions import ask, named
from garasu.world.captions import full_caption
from garasu.world.render import render
from garasu.world.scene import Scene, random_scene

pytestmark = pytest.mark.slow
GUIDANCE = 4.0


@pytest.fixture(scope="module")
def sd():
    return load(device="cpu")


@pytest.fixture(scope="module")
def probe():
    return load_probe()


def drawing(scene: Scene, seed: int) -> Image.Image:
    return Image.fromarray(render(scene, 128, seed))


def similarity(a: Image.Image, b: Image.Image, window: int = 8) -> float:
    """Structural similarity of two pictures' luminance (Wang et al. 2004, eq. 13), over square windows."""
    x, y = (
        np.lib.stride_tricks.sliding_window_view(np.asarray(one.convert("L"), float), (window, window))
        for one in (a, b)
    )
    mean_x, mean_y = x.mean((2, 3)), y.mean((2, 3))
    covariance = (x * y).mean((2, 3)) - mean_x * mean_y
    low, high = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    light = (2 * mean_x * mean_y + low) / (mean_x**2 + mean_y**2 + low)
    return float((light * (2 * covariance + high) / (x.var((2, 3)) + y.var((2, 3)) + high)).mean())


def test_little_strength_keeps_the_layout(sd):
    rng, found = random.Random(0), []
    for seed in range(12):
        scene = random_scene(rng)
        before = drawing(scene, seed)
        after = img2img(sd, before, full_caption(scene, rng), strength=0.3, guidance_scale=GUIDANCE, seed=seed)
        found.append(similarity(before, after.image))
    assert np.mean(found) > 0.6


def test_much_strength_follows_the_prompt_as_noise_alone_does(sd, probe):
    rng, right = random.Random(0), {"noise": [], "picture": []}
    for question in ask(40, held_out=False, seed=9):
        knobs = {"guidance_scale": GUIDANCE, "seed": question.seed}
        source = drawing(random_scene(rng), question.seed)
        made = {
            "noise": txt2img(sd, question.prompt, **knobs),
            "picture": img2img(sd, source, question.prompt, strength=0.95, **knobs),
        }
        expected = {name: value for name, value in named(question.scene).items() if name in PROMISED}
        for name, picture in made.items():
            (seen,) = probe.read(to_tensor(picture.image))
            right[name] += [seen[attribute] == value for attribute, value in expected.items()]
    assert np.mean(right["picture"]) > np.mean(right["noise"]) - 0.1


def test_an_orange_cat_is_replaced_by_a_black_one(sd, probe):
    rng, replaced = random.Random(1), 0
    for seed in range(50):
        background = ("beach", "snow", "window", "bench", "sea")[seed % 5]
        scene = Scene(
            "cat", background=background, pose="sitting", fur="orange", pattern="plain", eyes="yellow", accessory="none"
        )
        before, other = drawing(scene, seed), drawing(replace(scene, fur="black"), seed)
        differs = (np.asarray(before) != np.asarray(other)).any(axis=2)
        mask = mask_picture(grown(mask_of(Image.fromarray(255 * differs.astype(np.uint8))), 5))
        prompt = full_caption(replace(scene, fur="black"), rng)
        after = inpaint(sd, before, mask, prompt, guidance_scale=GUIDANCE, seed=seed).image
        kept = np.asarray(mask) == 0
        assert (np.asarray(after)[kept] == np.asarray(before)[kept]).all()
        (seen,) = probe.read(to_tensor(after))
        replaced += (seen["subject"], seen["fur"]) == ("cat", "black")
    assert replaced >= 40


def share(sd, probe, prompt: str, name: str, value: str, **knobs) -> float:
    """Of 12 seeds, how many pictures have an attribute."""
    recipes = [Txt2Img(prompt=prompt, seed=seed, steps=15, guidance_scale=3, **knobs) for seed in range(12)]
    made = [one.image for one in txt2img_together(sd, recipes) if isinstance(one, Picture)]
    return np.mean([seen[name] == value for image in made for seen in probe.read(to_tensor(image))])


@pytest.mark.slow
def test_a_long_prompt_is_followed_in_its_last_words_unless_they_are_cut(sd, probe):
    filler = "this is a picture that one sees when one looks at it for a while, as it was and as it will be, "
    prompt = filler * 9 + "a cat with a red hat"
    assert len(prompt.split()) > 200
    assert share(sd, probe, prompt, "accessory", "red hat") >= 0.7
    with pytest.warns(PromptCut, match="longer than the 75 that fit"):
        assert share(sd, probe, prompt, "accessory", "red hat", max_chunks=1) <= 0.4


@pytest.mark.slow
def test_words_that_change_on_the_way_and_parts_show_in_pictures(sd, probe):
    assert share(sd, probe, "a [black:white:0.6] cat", "fur", "black") > 0.7
    assert share(sd, probe, "a [black:white:0.05] cat", "fur", "white") > 0.7
    assert share(sd, probe, "a cat AND snow", "background", "snow") > 0.7
    assert share(sd, probe, "a cat, snow AND snow :-1", "background", "snow") < 0.3


@pytest.mark.parametrize(
    ("knobs", "least", "most"),
    [
        ({"guidance_end": 0.6}, 1.0, 8.0),
        ({"deep_cache": 3}, 1.0, 8.0),
        ({"token_merging": 0.5}, 1.0, 10.0),
    ],
    ids=str,
)
def test_approximations_change_little(sd, knobs, least, most):
    """Mean differences in levels of 255, about what docs/guides/faster.md tells; unrelated pictures differ by 40."""
    found = []
    for prompt in ("a black cat with yellow eyes", "a pink cake"):
        exact, other = (
            np.concatenate(
                [
                    np.asarray(one.image).astype(float)
                    for one in txt2img(sd, prompt, guidance_scale=3.0, seed=0, count=4, **some)
                ]
            )
            for some in ({}, knobs)
        )
        found.append(np.abs(exact - other).mean())
    assert least < np.mean(found) < most
