"""Whose numbers a recipe means: profiles and noises, on a whole model."""

import numpy as np
import pytest
import torch
from PIL import Image

from garasu.diffusion.canvas import Canvas
from garasu.diffusion.noise import Noise
from garasu.diffusion.steps import Step
from garasu.images.infotext import read_infotext
from garasu.images.metadata import read_metadata
from garasu.prompts.rules import DEFAULT_RULES, ReadingRules
from garasu.tasks.img2img import Img2Img, img2img, meaning
from garasu.tasks.inpaint import Inpaint, blend_of, inpaint
from garasu.tasks.picture import Picture
from garasu.tasks.refusal import RecipeError
from garasu.tasks.sampled import noise_of, rules_of
from garasu.tasks.sweep import points, read_vary
from garasu.tasks.txt2img import Txt2Img, txt2img, txt2img_together

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
MASK = Image.new("L", PICTURE.size, 0)
MASK.paste(255, (16, 16, 48, 56))


def test_how_prompts_are_read_is_a_recipe_s_to_say():
    how = {"syntax": "comfy", "emphasis": "no-norm", "clip_skip": 2, "clip_skip_norm": False, "max_chunks": 3}
    assert rules_of(Txt2Img(prompt="cat", **how)) == ReadingRules(**how)
    assert rules_of(Txt2Img(prompt="cat")) == DEFAULT_RULES


def test_the_default_is_diffusers_and_changes_nothing(tiny):
    plain = txt2img(tiny, "cat", seed=3, steps=3)
    assert (plain.recipe.like, plain.recipe.noise) == ("diffusers", None)
    *_, step = tiny.sample(tiny.encode("cat"), seed=3, steps=3)
    assert plain.image.tobytes() == tiny.decode(step.latent).tobytes()


@pytest.mark.parametrize("like", ["compvis", "a1111"])
def test_a_profile_brings_its_noise_and_its_rounding(tiny, like):
    made = txt2img(tiny, "cat", seed=3, steps=4, like=like)
    *_, step = tiny.sample(tiny.encode("cat"), seed=3, steps=4, like=like)
    first = next(tiny.sample(tiny.encode("cat"), seed=3, steps=4, like=like))
    unit = first.latent / (1 + first.sigma**2) ** 0.5
    assert torch.allclose(unit, Noise([3], (4, 8, 8), source="nv").draw(), atol=1e-5)
    (exact,) = tiny.decode_each(step.latent, "down")
    assert made.image.tobytes() == exact.tobytes() != tiny.decode(step.latent).tobytes()


def test_another_noise_can_be_taken_and_stays_with_its_picture(tiny):
    together = txt2img(tiny, "cat", seed=3, count=2, steps=3, noise="nv", sampler="euler_a")
    assert together[0].image.tobytes() != txt2img(tiny, "cat", seed=3, steps=3, sampler="euler_a").image.tobytes()
    for picture in together:
        alone = txt2img(tiny, picture.recipe)
        assert np.abs(np.asarray(alone.image).astype(int) - np.asarray(picture.image)).max() <= 1


@pytest.mark.parametrize("knobs", [{"variation_strength": 1.0, "variation_seed": 5}, {"seed_size": "64x64"}])
def test_variations_have_the_same_noise(tiny, knobs):
    seed = knobs.get("variation_seed", 3)
    plain = txt2img(tiny, "cat", seed=seed, steps=2, noise="nv").image
    again = txt2img(tiny, "cat", seed=3, steps=2, noise="nv", **knobs).image
    assert np.abs(np.asarray(again).astype(int) - np.asarray(plain)).max() <= 1


@pytest.mark.parametrize(("like", "sampler"), [("compvis", "ddim"), ("a1111", "ddim"), ("a1111", "euler_a")])
def test_what_is_outside_a_mask_stays_to_the_bit(tiny, like, sampler):
    made = inpaint(tiny, PICTURE, MASK, "cat", seed=1, steps=5, strength=0.8, like=like, sampler=sampler)
    outside = np.asarray(MASK) == 0
    assert (np.asarray(made.image)[outside] == np.asarray(PICTURE)[outside]).all()
    assert (np.asarray(made.image)[~outside] != np.asarray(PICTURE)[~outside]).any()


def test_a1111_blends_for_nine_channels_too_and_diffusers_does_not(new_tiny):
    sd = new_tiny(9)
    latent, mask = sd.encode_image(PICTURE), torch.zeros(1, 1, 8, 8)
    canvas = Canvas(latent, 0.8, mask, "x0", latent)
    *_, a1111 = sd.sample(sd.encode("cat"), canvas=canvas, steps=4, sampler="euler", like="a1111")
    *_, diffusers = sd.sample(sd.encode("cat"), canvas=canvas, steps=4, sampler="euler")
    assert torch.allclose(a1111.latent, latent, atol=1e-6)
    assert not torch.allclose(diffusers.latent, latent, atol=1e-2)


def test_a_strength_says_what_it_means_in_the_profile(tiny):
    known = Img2Img(prompt="cat", image="x.png", steps=20, strength=0.75)
    assert meaning(tiny, known) == "strength 0.75: 15 of 20 steps, from σ 3.35, timestep 701"
    assert ": 15 of 20 steps, from σ 4.12, timestep 751" in meaning(tiny, known.but(like="compvis"))
    assert ": 14 of 20 steps, from σ 4.12, timestep 751" in meaning(tiny, known.but(like="a1111"))
    assert ": 16 of 20 steps, from σ 4.86, timestep 789" in meaning(tiny, known.but(like="a1111", sampler="euler"))


def test_hires_fix_runs_all_its_steps_in_a1111(tiny):
    knobs = {"seed": 3, "steps": 4, "sampler": "euler", "hires_scale": 1.5, "hires_strength": 0.5}
    made = txt2img(tiny, "cat", like="a1111", **knobs)
    words = tiny.encode("cat")
    *_, small = tiny.sample(words, seed=3, steps=4, sampler="euler", like="a1111")
    larger = torch.nn.functional.interpolate(small.latent, (12, 12), mode="bilinear")
    walk = {"seed": 3, "steps": 8, "sampler": "euler", "like": "a1111", "canvas": Canvas(larger, 3.5 / 8)}
    *steps, last = tiny.sample(words, **walk)
    assert len(steps) == 4
    assert made.image.tobytes() == tiny.decode_each(last.latent, "down")[0].tobytes()


def test_what_a_profile_has_not_is_refused_when_the_recipe_is_made():
    for cls, fields, sentence in (
        (Txt2Img, {"like": "compvis", "sampler": "euler"}, "samplers ddim and plms, not 'euler'"),
        (Txt2Img, {"like": "a1111", "sampler": "unipc"}, "no 'unipc' as A1111 has it"),
        (Txt2Img, {"like": "a1111", "spacing": "karras"}, "ddim has a grid of its own"),
        (Img2Img, {"like": "compvis", "sampler": "plms"}, "with the sampler ddim only"),
        (Txt2Img, {"like": "compvis", "sampler": "plms", "hires_scale": 2}, "with the sampler ddim only"),
        (Txt2Img, {"like": "comfy"}, "like must be one of 'diffusers', 'compvis' or 'a1111', not 'comfy'"),
        (Txt2Img, {"noise": "mps"}, "noise must be one of 'cpu' or 'nv', not 'mps'"),
    ):
        with pytest.raises(RecipeError, match=sentence):
            cls(prompt="cat", **fields)
    assert Txt2Img(prompt="cat", like="compvis", sampler="plms").sampler == "plms"


def test_what_comes_to_the_same_is_effectively_the_same():
    known = Inpaint(prompt="cat", image="x.png", mask="m.png", steps=20, like="a1111", sampler="euler")
    assert known.effective() == known.but(noise="nv", blend="x0").effective()
    assert known.effective() != known.but(noise="cpu").effective() != known.but(noise="cpu", blend="fresh").effective()
    same = [one.same_as for one in points(known, [read_vary("strength=0.5,0.52,0.55,0.999,1", Inpaint)])]
    assert same == [None, 1, None, None, 4]
    assert [noise_of(known.but(**one)) for one in ({}, {"like": "diffusers"}, {"noise": "cpu"})] == ["nv", "cpu", "cpu"]
    assert [blend_of(known.but(**one)) for one in ({}, {"like": "diffusers"}, {"blend": "fresh"})] == [
        "x0",
        "latent",
        "fresh",
    ]


def test_a_saved_picture_says_it_in_a1111s_words_and_is_made_again(tiny, tmp_path):
    made = img2img(tiny, PICTURE, "cat", seed=3, steps=4, like="A1111", sampler="DPM2", discard_penultimate=True)
    made.save(tmp_path / "cat.png")
    metadata = read_metadata(tmp_path / "cat.png")
    said = read_infotext(metadata.parameters).fields
    assert (said["RNG"], said["Discard penultimate sigma"]) == ("NV", "True")
    assert img2img(tiny, PICTURE, Img2Img(**metadata.ours["recipe"])).image.tobytes() == made.image.tobytes()
    txt2img(tiny, "cat", seed=3, steps=1, noise="NV").save(tmp_path / "cat.png")
    said = read_infotext(read_metadata(tmp_path / "cat.png").parameters).fields
    assert said["RNG"] == "NV"
    assert "Discard penultimate sigma" not in said


def test_recipes_of_one_batch_may_differ_in_words_guidance_seeds_and_variations(tiny):
    base = Txt2Img(prompt="cat", seed=3, steps=3)
    recipes = [
        base,
        base.but(prompt="a black cat", negative_prompt="dog", guidance_scale=2.0),
        base.but(guidance_scale=1.0),
        base.but(seed=9, variation_seed=4, variation_strength=0.3),
        base.but(variation_seed=4, variation_strength=0.8, guidance_scale=-1.5),
    ]
    made = list(txt2img_together(tiny, recipes))
    assert {len(one.latent) for one in made if isinstance(one, Step)} == {5}
    together = [one for one in made if isinstance(one, Picture)]
    assert [one.recipe.but(width=None, height=None) for one in together] == recipes
    for picture in together:
        alone = txt2img(tiny, picture.recipe)
        assert np.abs(np.asarray(alone.image).astype(int) - np.asarray(picture.image)).max() <= 1
    assert len({one.image.tobytes() for one in together}) == 5
