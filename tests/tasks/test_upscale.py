"""upscale: the recipe against the long way, in pixels and as a latent."""

import numpy as np
import pytest
import torch
from PIL import Image

from garasu.diffusion.canvas import Canvas
from garasu.images.fitting import fit
from garasu.images.metadata import read_metadata
from garasu.tasks.refusal import RecipeError
from garasu.tasks.upscale import Upscale, upscale

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 72, 3), dtype=np.uint8))
KNOBS = {"seed": 3, "steps": 6, "strength": 0.5, "sampler": "euler"}


@pytest.mark.parametrize("upscaler", ["pixel", "latent"])
def test_it_is_img2img_of_the_enlarged_picture(tiny, upscaler):
    made = upscale(tiny, PICTURE, "cat", scale=1.5, upscaler=upscaler, **KNOBS)
    assert made.image.size == (made.recipe.width, made.recipe.height) == (112, 96), "of 108 and 96 pixels"
    if upscaler == "pixel":
        larger = tiny.encode_image(fit(PICTURE, (112, 96), "stretch").image)
    else:
        larger = torch.nn.functional.interpolate(tiny.encode_image(PICTURE), (12, 14), mode="bilinear")
    *_, step = tiny.sample(tiny.encode("cat"), seed=3, steps=6, sampler="euler", canvas=Canvas(larger, 0.5))
    assert made.image.tobytes() == tiny.decode(step.latent).tobytes()


def test_a_size_can_be_given_in_its_place(tiny):
    made = upscale(tiny, PICTURE, "cat", width=160, height=128, **KNOBS)
    assert made.image.size == (160, 128)


def test_of_several_pictures_each_can_be_made_alone(tiny):
    together = upscale(tiny, PICTURE, "cat", count=2, scale=1.25, encoding="sample", **KNOBS)
    assert [one.recipe.seed for one in together] == [3, 4]
    for picture in together:
        alone = upscale(tiny, PICTURE, picture.recipe)
        assert np.abs(np.asarray(alone.image).astype(int) - np.asarray(picture.image)).max() <= 1


def test_a_saved_picture_is_made_again_and_only_from_its_source(tiny, tmp_path):
    made = upscale(tiny, PICTURE, "cat", **KNOBS)
    made.save(tmp_path / "large.png")
    metadata = read_metadata(tmp_path / "large.png")
    assert metadata.ours["task"] == "upscale"
    known = Upscale(**metadata.ours["recipe"])
    assert "Denoising strength: 0.5" in metadata.parameters
    assert upscale(tiny, PICTURE, known).image.tobytes() == made.image.tobytes()
    with pytest.raises(RecipeError, match="not the one that the recipe was made with"):
        upscale(tiny, PICTURE.transpose(Image.Transpose.ROTATE_180), known)
