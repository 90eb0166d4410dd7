"""Few steps and many, compared."""

import numpy as np
import pytest
from PIL import Image

from garasu.glass.steps import measure_steps
from garasu.model import StableDiffusion
from garasu.tasks.img2img import Img2Img, img2img
from garasu.tasks.refusal import RecipeError
from garasu.tasks.txt2img import Txt2Img, txt2img

RECIPE = Txt2Img(prompt="a black cat", seed=7, guidance_scale=2)


def test_distances_are_those_of_the_latents_that_the_walks_end_in(tiny: StableDiffusion) -> None:
    points = list(measure_steps(tiny, RECIPE, (2, 6, 3), ("ddim", "euler")))
    assert [(one.sampler, one.steps) for one in points] == [
        (name, count) for name in ("ddim", "euler") for count in (6, 3, 2)
    ]
    ends = {}
    for one in points:
        *_, last = tiny.sample(
            tiny.encode("a black cat"), sampler=one.sampler, steps=one.steps, seed=7, guidance_scale=2
        )
        ends[one.sampler, one.steps] = last.latent
        assert (one.latent - last.latent).abs().max() < 1e-6
        assert one.picture.tobytes() == txt2img(tiny, RECIPE, sampler=one.sampler, steps=one.steps).image.tobytes()
        assert one.seconds > 0
    for one in points:
        mine, own, first = ends[one.sampler, one.steps], ends[one.sampler, 6], ends["ddim", 6]
        assert one.distance == pytest.approx((mine - own).square().mean().sqrt().item(), abs=1e-6)
        assert one.from_first == pytest.approx((mine - first).square().mean().sqrt().item(), abs=1e-6)
    most, fewer = points[0], points[1]
    difference = np.asarray(most.picture).astype(float) - np.asarray(fewer.picture)
    assert fewer.levels == pytest.approx(np.sqrt((difference**2).mean()), rel=1e-4)
    assert (most.distance, most.levels) == (0, 0)
    assert str(most).startswith("ddim in 6 steps: ")


def test_two_spacings_of_one_sampler_keep_their_names(tiny: StableDiffusion) -> None:
    points = list(measure_steps(tiny, RECIPE, (1, 3), ("DPM++ 2M", "DPM++ 2M Karras")))
    assert [one.sampler for one in points] == ["DPM++ 2M"] * 2 + ["DPM++ 2M Karras"] * 2
    assert points[2].from_first > 1e-4


def test_a_picture_to_start_from_is_handed_on(tiny: StableDiffusion) -> None:
    source = Image.effect_noise((64, 64), 60).convert("RGB")
    recipe = Img2Img(prompt="cat", image="", seed=3, strength=0.5)
    made = {one.steps: one for one in measure_steps(tiny, recipe, (4, 2), sources={"image": source})}
    assert made[4].picture.tobytes() == img2img(tiny, source, recipe, steps=4).image.tobytes()


@pytest.mark.parametrize(
    ("recipe", "steps", "samplers", "sentence"),
    [
        (RECIPE.but(seed=None), (1, 2), ("ddim",), "give the recipe a seed"),
        (RECIPE.but(count=2), (1, 2), ("ddim",), "a count of 1"),
        (RECIPE, (4, 4), ("ddim",), "two numbers of steps or more"),
        (RECIPE, (1, 2), (), "a sampler"),
        (RECIPE, (1, 0), ("ddim",), "steps must be at least 1"),
        (RECIPE, (1, 2), ("dim",), "sampler must be one of"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    tiny: StableDiffusion, recipe: Txt2Img, steps: tuple[int, ...], samplers: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(RecipeError, match=sentence):
        list(measure_steps(tiny, recipe, steps, samplers))
