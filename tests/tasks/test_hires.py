"""Hires fix: a second, larger pass over what the first one made."""

import pytest
import torch
from PIL import Image

from garasu.diffusion.canvas import Canvas
from garasu.diffusion.steps import Step
from garasu.images.infotext import read_infotext
from garasu.images.metadata import read_metadata
from garasu.tasks.sweep import points, read_vary
from garasu.tasks.txt2img import Txt2Img, txt2img, txt2img_steps

RECIPE = Txt2Img(prompt="cat", seed=3, steps=6, hires_scale=1.5, hires_strength=0.5, sampler="euler")


def test_the_second_pass_is_img2img_of_the_enlarged_latent(tiny):
    made = txt2img(tiny, RECIPE)
    assert made.image.size == (96, 96)
    words = tiny.encode("cat")
    *_, small = tiny.sample(words, seed=3, steps=6, sampler="euler")
    larger = torch.nn.functional.interpolate(small.latent, (12, 12), mode="bilinear")
    *_, step = tiny.sample(words, seed=3, steps=6, sampler="euler", canvas=Canvas(larger, 0.5))
    assert made.image.tobytes() == tiny.decode(step.latent).tobytes()


def test_pixels_are_enlarged_in_the_open(tiny):
    made = txt2img(tiny, RECIPE, hires_upscaler="pixel", hires_steps=4)
    words = tiny.encode("cat")
    small = txt2img(tiny, RECIPE, hires_scale=1).image
    larger = tiny.encode_image(small.resize((96, 96), Image.Resampling.LANCZOS))
    *_, step = tiny.sample(words, seed=3, steps=4, sampler="euler", canvas=Canvas(larger, 0.5))
    assert made.image.tobytes() == tiny.decode(step.latent).tobytes()


def test_both_passes_can_be_watched_and_every_picture_has_its_own(tiny):
    made = list(txt2img_steps(tiny, RECIPE.but(count=2)))
    sizes = [one.latent.shape[-1] for one in made if isinstance(one, Step)]
    assert sizes == [8] * 7 + [12] * 4
    pictures = [one for one in made if not isinstance(one, Step)]
    assert [one.recipe.seed for one in pictures] == [3, 4]
    assert (pictures[0].recipe.width, pictures[0].image.width) == (64, 96)


def test_a_saved_picture_says_it_in_a1111s_words(tiny, tmp_path):
    txt2img(tiny, RECIPE).save(tmp_path / "cat.png")
    fields = read_infotext(read_metadata(tmp_path / "cat.png").parameters).fields
    said = {name: fields.get(name) for name in ("Denoising strength", "Hires upscale", "Hires upscaler", "Size")}
    assert said == {"Denoising strength": "0.5", "Hires upscale": "1.5", "Hires upscaler": "Latent", "Size": "64x64"}


@pytest.mark.parametrize("field", ["hires_strength=0.2,0.9", "hires_upscaler=latent,pixel", "hires_steps=3,4"])
def test_without_a_second_pass_its_knobs_change_nothing(field):
    vary = [read_vary(field, Txt2Img)]
    assert points(RECIPE.but(hires_scale=1), vary)[1].same_as == 1
    assert points(RECIPE, vary)[1].same_as is None
