from collections.abc import Iterator

import numpy as np
import pytest
import torch

from garasu.diffusion.errors import SamplingError
from garasu.diffusion.steps import Step
from garasu.images.infotext import read_infotext
from garasu.images.metadata import read_metadata
from garasu.images.reading import read_picture
from garasu.model import StableDiffusion
from garasu.tasks.picture import Picture
from garasu.tasks.refusal import RecipeError
from garasu.tasks.txt2img import Txt2Img, txt2img, txt2img_steps


def pixels(picture: Picture) -> np.ndarray:
    return np.asarray(picture.image).astype(int)


def test_a_prompt_becomes_the_picture_of_the_long_way(tiny):
    picture = txt2img(tiny, "a black cat", seed=7, steps=3, negative_prompt="dog", sampler="euler", width=72)
    words, negative = tiny.encode("a black cat"), tiny.encode("dog")
    *_, step = tiny.sample(words, negative=negative, steps=3, seed=7, sampler="euler", width=72)
    assert np.array_equal(np.asarray(picture.image), np.asarray(tiny.decode(step.latent)))


def test_several_pictures_have_following_seeds_and_recipes_of_their_own(tiny):
    pictures = txt2img(tiny, "cat", seed=7, count=3, steps=2)
    assert [picture.recipe.seed for picture in pictures] == [7, 8, 9]
    for picture in pictures:
        assert picture.recipe.count == 1
        again = txt2img(tiny, picture.recipe)
        assert np.abs(pixels(again) - pixels(picture)).max() <= 1


def test_many_pictures_come_in_batches_as_they_are_finished(tiny):
    made = list(txt2img_steps(tiny, Txt2Img(prompt="cat", seed=0, count=20, steps=1)))
    kinds = [len(one.latent) if isinstance(one, Step) else "picture" for one in made]
    assert kinds == [16, 16, *["picture"] * 16, 4, 4, *["picture"] * 4]


def test_a_batch_holds_as_many_pictures_as_its_size_allows(tiny, monkeypatch):
    monkeypatch.setattr("garasu.tasks.room.CPU_CELLS", 2 * 8 * 8 + 1)
    made = txt2img_steps(tiny, Txt2Img(prompt="cat", seed=0, count=3, steps=1))
    assert [len(one.latent) for one in made if isinstance(one, Step)] == [2, 2, 1, 1]
    wide = txt2img_steps(tiny, Txt2Img(prompt="cat", seed=0, count=2, steps=1, width=128, height=256))
    assert len(next(wide).latent) == 1


def test_what_was_left_open_is_written_down(tiny):
    first, second = (txt2img(tiny, "cat", steps=1) for _ in range(2))
    assert first.recipe.seed != second.recipe.seed
    assert (first.recipe.width, first.recipe.height) == tiny.native_size


def test_a_recipe_and_fields_that_replace_its_own(tiny):
    recipe = Txt2Img(prompt="cat", seed=1, steps=1)
    picture = txt2img(tiny, recipe, seed=2)
    assert picture.recipe == Txt2Img(prompt="cat", seed=2, steps=1, width=64, height=64)
    assert txt2img(tiny, prompt="cat", seed=2, steps=1).image.tobytes() == picture.image.tobytes()


def test_mistakes_are_refused_before_any_step(tiny):
    with pytest.raises(RecipeError, match="steps must be at least 1"):
        txt2img(tiny, "cat", steps=0)
    with pytest.raises(RecipeError, match="prompt is missing"):
        txt2img(tiny)
    with pytest.raises(SamplingError, match="takes no eta"):
        txt2img(tiny, "cat", sampler="euler", eta=1.0)


def test_clip_skip_reads_another_layer(tiny):
    first, second = (txt2img(tiny, "cat", seed=1, steps=2, clip_skip=skip) for skip in (1, 2))
    assert first.image.tobytes() != second.image.tobytes()


def test_a_saved_picture_says_how_it_was_made(tiny, tmp_path):
    picture = txt2img(
        tiny,
        "a cat, 猫: two\nlines",
        negative_prompt="dog",
        seed=7,
        steps=2,
        sampler="dpmpp_2m",
        spacing="karras",
        guidance_scale=3,
        clip_skip=2,
    )
    picture.save(tmp_path / "cat.png")
    metadata = read_metadata(tmp_path / "cat.png")
    assert Txt2Img(**metadata.ours["recipe"]) == picture.recipe
    assert metadata.ours["made_with"] == picture.made_with.model_dump()
    assert metadata.ours["made_with"]["model"] == "tiny"
    assert read_picture(tmp_path / "cat.png").tobytes() == picture.image.tobytes()
    info = read_infotext(metadata.parameters)
    assert (info.prompt, info.negative_prompt) == ("a cat, 猫: two\nlines", "dog")
    expected = {
        "Steps": "2",
        "Sampler": "DPM++ 2M",
        "Schedule type": "Karras",
        "CFG scale": "3",
        "Seed": "7",
        "Size": "64x64",
        "Model": "tiny",
        "Clip skip": "2",
        "RNG": "CPU",
        "Version": f"garasu {picture.made_with.garasu}",
    }
    assert list(info.fields.items()) == list(expected.items())  # A1111's order


@pytest.mark.parametrize(
    ("sampler", "theirs"), [("dpmpp_2s_a", "DPM++ 2S a"), ("euler_a", "Euler a"), ("unipc", "UniPC"), ("plms", "PLMS")]
)
def test_samplers_have_the_names_that_a1111_gives_them(tiny, tmp_path, sampler, theirs):
    txt2img(tiny, "cat", steps=1, sampler=theirs).save(tmp_path / "cat.png")
    metadata = read_metadata(tmp_path / "cat.png")
    assert metadata.ours["recipe"]["sampler"] == sampler
    assert read_infotext(metadata.parameters).fields["Sampler"] == theirs


def test_eta_is_written_where_it_matters(tiny, tmp_path):
    txt2img(tiny, "cat", steps=2, eta=0.5).save(tmp_path / "cat.png")
    assert read_infotext(read_metadata(tmp_path / "cat.png").parameters).fields["Eta DDIM"] == "0.5"


def test_leaving_early_is_leaving_the_loop(tiny):
    walk: Iterator[Step | Picture] = txt2img_steps(tiny, Txt2Img(prompt="cat", steps=50))
    for made in walk:
        assert isinstance(made, Step)
        if made.index == 2:
            break
    assert isinstance(tiny.decode(made.x0).size, tuple)


def test_the_model_stays_what_it_is(tiny: StableDiffusion):
    before = {name: value.clone() for name, value in tiny.state_dict().items()}
    txt2img(tiny, "cat", steps=2)
    assert all(value.equal(before[name]) for name, value in tiny.state_dict().items())


def test_a_variation_goes_from_one_seed_towards_others(tiny):
    plain = txt2img(tiny, "cat", seed=1, steps=2)
    near, far, end = (
        txt2img(tiny, "cat", seed=1, steps=2, variation_seed=5, variation_strength=strength)
        for strength in (0.05, 0.5, 1)
    )
    distances = [np.abs(pixels(one) - pixels(plain)).mean() for one in (near, far, end)]
    assert 0 < distances[0] < distances[1]
    assert end.image.tobytes() == txt2img(tiny, "cat", seed=5, steps=2).image.tobytes()


def test_several_variations_keep_their_seed(tiny):
    made = txt2img(tiny, "cat", seed=1, count=2, steps=1, variation_seed=5, variation_strength=0.3)
    assert [(one.recipe.seed, one.recipe.variation_seed) for one in made] == [(1, 5), (1, 6)]
    again = txt2img(tiny, made[1].recipe)
    assert np.abs(pixels(again) - pixels(made[1])).max() <= 1
    chosen = txt2img(tiny, "cat", seed=1, steps=1, variation_strength=0.3)
    assert chosen.recipe.variation_seed is not None


def test_a_seed_of_another_size_lies_in_the_middle(tiny):
    recipe = Txt2Img(prompt="cat", seed=1, steps=3, width=96, height=64, seed_size="64x64", sampler="euler")
    first = next(txt2img_steps(tiny, recipe))
    alone = next(txt2img_steps(tiny, recipe.but(width=64, seed_size=None)))
    assert first.latent[..., 2:10].equal(alone.latent)
    assert first.latent[..., :2].std() > 1
    varied = next(txt2img_steps(tiny, recipe.but(variation_seed=2, variation_strength=1)))
    other = next(txt2img_steps(tiny, recipe.but(width=64, seed=2, seed_size=None)))
    assert torch.allclose(varied.latent[..., 2:10], other.latent, atol=1e-5)
    with pytest.raises(RecipeError, match="multiples of 8, not 60x64"):
        txt2img(tiny, recipe.but(seed_size="60x64"))
    with pytest.raises(RecipeError, match="seed_size"):
        recipe.but(seed_size="large")


def test_approximations_are_fields_like_others_and_written_down(tiny, tmp_path):
    knobs = {"guidance_start": 0.25, "guidance_end": 0.75, "deep_cache": 2, "token_merging": 0.5}
    picture = txt2img(tiny, "cat", seed=1, steps=4, **knobs)
    assert np.abs(pixels(picture) - pixels(txt2img(tiny, "cat", seed=1, steps=4))).max() > 0
    picture.save(tmp_path / "cat.png")
    metadata = read_metadata(tmp_path / "cat.png")
    assert knobs.items() <= metadata.ours["recipe"].items()
    said = read_infotext(metadata.parameters).fields
    assert (said["Skip Early CFG"], said["Token merging ratio"]) == ("0.25", "0.5")
    assert txt2img(tiny, Txt2Img(**metadata.ours["recipe"])).image.tobytes() == picture.image.tobytes()


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"deep_cache": 0}, "deep_cache must be at least 1"),
        ({"token_merging": 0.9}, "token_merging must be at most 0.75"),
        ({"guidance_start": 2}, "guidance_start must be at most 1"),
    ],
)
def test_approximations_have_ranges(knobs, sentence):
    with pytest.raises(RecipeError, match=sentence):
        Txt2Img(prompt="cat", **knobs)


def test_without_guidance_neither_its_part_nor_the_negative_prompt_decide(tiny):
    plain = Txt2Img(prompt="cat", seed=1, steps=2, guidance_scale=1)
    partly = plain.but(guidance_end=0.5, negative_prompt="dog")
    assert partly.effective() == plain.effective()
    assert txt2img(tiny, partly).image.tobytes() == txt2img(tiny, plain).image.tobytes()
