"""img2img: the recipe against the long way, its source, and what a strength means."""

import numpy as np
import pytest
import torch
from PIL import Image

from garasu.diffusion.canvas import Canvas
from garasu.diffusion.errors import SamplingError
from garasu.diffusion.noise import Noise
from garasu.images.fitting import fit
from garasu.images.infotext import read_infotext
from garasu.images.metadata import read_metadata
from garasu.images.reading import PictureError
from garasu.tasks.img2img import Img2Img, encoded, img2img, meaning, painted_size
from garasu.tasks.refusal import RecipeError

PIXELS = np.random.default_rng(0).integers(0, 256, (72, 64, 3), dtype=np.uint8)
PICTURE = Image.fromarray(PIXELS)


def distance(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a).astype(int) - np.asarray(b)).mean())


def test_a_picture_becomes_the_picture_of_the_long_way(tiny):
    made = img2img(tiny, PICTURE, "a black cat", seed=7, steps=5, strength=0.6, sampler="euler", guidance_scale=3)
    canvas = Canvas(tiny.encode_image(PICTURE), 0.6)
    words = tiny.encode("a black cat")
    *_, step = tiny.sample(words, steps=5, seed=7, sampler="euler", guidance_scale=3, canvas=canvas)
    assert made.image.tobytes() == tiny.decode(step.latent).tobytes()
    assert made.image.size == (64, 72)


def test_little_strength_stays_near_the_round_trip(tiny):
    there_and_back = tiny.decode(tiny.encode_image(PICTURE))
    far = [
        distance(img2img(tiny, PICTURE, "cat", seed=1, steps=20, strength=s).image, there_and_back)
        for s in (0.05, 0.5, 1)
    ]
    assert far[0] < far[1] < far[2]


def test_the_size_is_the_pictures_own_if_the_model_can_paint_it(tiny):
    assert painted_size(tiny, (70, 90)) == (72, 88)
    width, height = painted_size(tiny, (640, 320))
    assert 1.8 < width / height < 2.2
    assert width * height <= 2.25 * 64 * 64
    made = img2img(tiny, PICTURE, "cat", steps=1, strength=1, width=64, height=64, resize="stretch")
    assert made.image.size == (64, 64)


@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
def test_it_is_fitted_as_asked(tiny, resize):
    made = img2img(tiny, PICTURE, "cat", seed=1, steps=4, strength=0.25, width=64, height=64, resize=resize)
    fitted = fit(PICTURE, (64, 64), resize).image
    assert made.image.tobytes() == img2img(tiny, fitted, "cat", seed=1, steps=4, strength=0.25).image.tobytes()


def test_pictures_of_a_batch_share_their_source(tiny):
    together = img2img(tiny, PICTURE, "cat", seed=3, count=2, steps=4, strength=0.5)
    for picture in together:
        alone = img2img(tiny, PICTURE, picture.recipe)
        assert np.abs(np.asarray(alone.image).astype(int) - np.asarray(picture.image)).max() <= 1


def test_a_draw_of_the_posterior_comes_from_the_seed(tiny):
    sampled = [img2img(tiny, PICTURE, "cat", seed=s, steps=2, strength=0.5, encoding="sample") for s in (3, 3, 4)]
    assert sampled[0].image.tobytes() == sampled[1].image.tobytes() != sampled[2].image.tobytes()
    recipe = Img2Img(prompt="cat", image="x.png", seed=3, encoding="sample")
    deviation = encoded(tiny, PICTURE, [recipe]) - tiny.encode_image(PICTURE)
    run = Noise([3], deviation.shape[1:]).draw()
    together = torch.corrcoef(torch.stack([deviation.flatten(), run.flatten()]))[0, 1]
    assert deviation.std() > 0.01
    assert together.abs() < 0.2, "the run's own noise is another"


def test_a_strength_says_what_it_means(tiny):
    said = [meaning(tiny, Img2Img(prompt="cat", image="x.png", steps=30, strength=s)) for s in (0.834, 0.84)]
    assert [one.partition(": ")[2] for one in said] == ["25 of 30 steps, from σ 4.95, timestep 793"] * 2
    with pytest.raises(SamplingError, match="leaves none of 25 steps"):
        meaning(tiny, Img2Img(prompt="cat", image="x.png", strength=0.01))


def test_a_saved_picture_knows_its_source(tiny, tmp_path):
    (tmp_path / "in").mkdir()
    PICTURE.save(tmp_path / "in" / "photo.png")
    made = img2img(tiny, tmp_path / "in" / "photo.png", "cat", steps=2, strength=0.5, seed=1)
    assert made.recipe.image == "photo.png", "folders tell too much about their owner"
    assert len(made.recipe.image_hash) == 64
    made.save(tmp_path / "out.png")
    assert Img2Img(**read_metadata(tmp_path / "out.png").ours["recipe"]) == made.recipe
    fields = read_infotext(read_metadata(tmp_path / "out.png").parameters).fields
    assert fields["Denoising strength"] == "0.5"
    again = img2img(tiny, tmp_path / "in" / "photo.png", made.recipe)
    assert again.image.tobytes() == made.image.tobytes()


def test_another_picture_of_the_same_name_is_refused(tiny):
    made = img2img(tiny, PICTURE, "cat", steps=1, strength=1, seed=1)
    other = Image.fromarray(255 - PIXELS)
    with pytest.raises(RecipeError, match="not the one that the recipe was made with"):
        img2img(tiny, other, made.recipe)


def test_mistakes_are_refused_before_any_step(tiny, tmp_path):
    (tmp_path / "bad.png").write_text("no picture")
    for image, fields, kind, sentence in (
        (PICTURE, {"strength": 0}, RecipeError, "strength must be more than 0"),
        (PICTURE, {"strength": 1.5}, RecipeError, "strength must be at most 1, not 1.5"),
        (PICTURE, {"strength": 0.01}, SamplingError, "leaves none of 25 steps"),
        (PICTURE, {"width": 100}, RecipeError, "multiple of 8"),
        (None, {}, RecipeError, "image is missing"),
        (tmp_path / "gone.png", {}, FileNotFoundError, "no picture file"),
        (tmp_path / "bad.png", {}, PictureError, "not a picture"),
    ):
        with pytest.raises(kind, match=sentence):
            img2img(tiny, image, "cat", **fields)
