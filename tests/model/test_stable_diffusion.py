"""The whole model against diffusers' pipeline, and the promises of sampling: seeds, batches, steps to edit."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from garasu.diffusion.errors import SamplingError
from garasu.diffusion.noise import Noise
from garasu.hardware import HardwareError
from garasu.images.convert import to_tensor
from garasu.model import ModelError, StableDiffusion, load
from garasu.networks.unet import UNet, UNetConfig
from garasu.panes import look


def last(steps):
    *_, step = steps
    return step


def finished(sd: StableDiffusion, **knobs) -> torch.Tensor:
    return last(sd.sample(sd.encode("a black cat"), **knobs)).latent


# Against diffusers


@pytest.fixture(scope="module")
def pair():
    from diffusers import StableDiffusionPipeline
    from tests import pipelines

    return pipelines.pair(StableDiffusionPipeline)


@pytest.mark.parametrize(("steps", "scale", "size"), [(10, 7.5, (128, 128)), (7, 3.0, (72, 104)), (10, 1.0, (64, 64))])
def test_ten_ddim_steps_are_those_of_diffusers(pair, steps, scale, size):
    sd, pipeline = pair
    width, height = size
    words, nothing = sd.encode(["a black cat", "a dog"]), sd.encode(["", "blue"])
    noise = Noise([3, 4], (4, height // 8, width // 8)).draw()
    run = {"guidance_scale": scale, "width": width, "height": height}
    step = last(sd.sample(words, negative=nothing, sampler="ddim", steps=steps, latent=noise, **run))
    embeds = {"prompt_embeds": words.tensor, "negative_prompt_embeds": nothing.tensor}
    theirs = pipeline(**embeds, num_inference_steps=steps, latents=noise, output_type="latent", **run).images
    assert step.latent.shape == theirs.shape
    assert (step.latent - theirs).abs().max().item() <= 1e-3
    pictures = pipeline(**embeds, num_inference_steps=steps, latents=noise, output_type="pil", **run).images
    for ours, other in zip(sd.decode(step.latent), pictures, strict=True):
        assert np.abs(np.asarray(ours).astype(int) - np.asarray(other)).max() <= 1


def test_a_seed_is_the_noise_of_diffusers_generator(pair):
    sd, pipeline = pair
    words, nothing = sd.encode("a black cat"), sd.encode("")
    theirs = pipeline(
        prompt_embeds=words.tensor,
        negative_prompt_embeds=nothing.tensor,
        num_inference_steps=4,
        generator=torch.Generator().manual_seed(9),
        output_type="latent",
    ).images
    assert (last(sd.sample(words, steps=4, seed=9)).latent - theirs).abs().max().item() <= 1e-3


def test_a_picture_becomes_the_latent_of_diffusers(pair):
    sd, pipeline = pair
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8))
    image = pipeline.image_processor.preprocess(picture)
    with torch.no_grad():
        mean = pipeline.vae.encode(image).latent_dist.mode() * pipeline.vae.config.scaling_factor
    assert sd.encode_image(picture).shape == (1, 4, 8, 12)
    assert (sd.encode_image(picture) - mean).abs().max().item() <= 1e-4


# Seeds and batches


@pytest.mark.parametrize("sampler", ["ddim", "euler_a", "dpmpp_2m"])
def test_a_seed_is_one_picture_alone_and_among_four(tiny, sampler):
    together = tiny.decode(finished(tiny, seed=[5, 6, 7, 8], sampler=sampler, steps=4))
    for seed, picture in zip([5, 6, 7, 8], together, strict=True):
        alone = tiny.decode(finished(tiny, seed=seed, sampler=sampler, steps=4))
        assert np.abs(np.asarray(picture).astype(int) - np.asarray(alone)).max() <= 1


def test_two_seeds_are_two_pictures(tiny):
    first, second = finished(tiny, seed=[5, 6], steps=2)
    assert (first - second).abs().max() > 0.1


def test_one_seed_for_several_prompts_is_the_same_noise(tiny):
    words = tiny.encode(["a black cat", "a dog"])
    first = next(iter(tiny.sample(words, seed=5)))
    assert torch.equal(first.latent[0], first.latent[1])
    assert not torch.equal(first.x0[0], first.x0[1])


def test_one_prompt_for_several_seeds(tiny):
    words, negative = tiny.encode("a black cat"), tiny.encode("dog")
    assert last(tiny.sample(words, negative=negative, seed=[1, 2, 3], steps=2)).latent.shape == (3, 4, 8, 8)


def test_numbers_of_rows_that_do_not_match_are_refused(tiny):
    with pytest.raises(SamplingError, match="3 latents need 1 or 3 rows of conditioning, got 2"):
        last(tiny.sample(tiny.encode(["cat", "dog"]), seed=[1, 2, 3]))


def test_ancestral_noise_does_not_depend_on_where_the_first_noise_comes_from(tiny):
    start = Noise([5], (4, 8, 8)).draw()
    given = finished(tiny, seed=5, latent=start, sampler="euler_a", steps=3)
    assert torch.equal(given, finished(tiny, seed=5, sampler="euler_a", steps=3))


# Words


def test_words_and_negative_words_change_the_picture(tiny):
    cat, dog, nothing = (tiny.encode(text) for text in ("a black cat", "a dog", ""))
    run = {"seed": 1, "steps": 2}
    plain = last(tiny.sample(cat, **run)).latent
    assert torch.equal(plain, last(tiny.sample(cat, negative=nothing, **run)).latent)
    assert not torch.equal(plain, last(tiny.sample(dog, **run)).latent)
    assert not torch.equal(plain, last(tiny.sample(cat, negative=dog, **run)).latent)


def test_without_guidance_the_negative_prompt_is_not_read(tiny):
    cat, dog = tiny.encode("a black cat"), tiny.encode("a dog")
    run = {"seed": 1, "steps": 2, "guidance_scale": 1.0}
    rows = []
    with look(tiny, {"unet.conditioning": lambda value, at: rows.append(at.rows)}):
        plain = last(tiny.sample(cat, **run)).latent
    assert rows == [("prompt 0",)] * 2
    assert torch.equal(plain, last(tiny.sample(cat, negative=dog, **run)).latent)


def test_guidance_in_a_part_of_the_walk_runs_fewer_rows(tiny):
    run = {"seed": 1, "steps": 4}
    rows, cat = [], tiny.encode("a black cat")
    with look(tiny, {"unet.conditioning": lambda value, at: rows.append(len(value))}):
        partly = last(tiny.sample(cat, guidance_start=0.25, guidance_end=0.75, **run)).latent
    assert rows == [1, 2, 2, 1]
    plain = last(tiny.sample(cat, **run)).latent
    assert not torch.equal(partly, plain)
    assert torch.equal(plain, last(tiny.sample(cat, guidance_start=0.01, guidance_end=0.99, **run)).latent)


def test_edited_words_are_what_is_shown(tiny):
    words, dog = tiny.encode("a black cat"), tiny.encode("a dog")
    words.tensor = dog.tensor.clone()
    assert torch.equal(last(tiny.sample(words, seed=1, steps=2)).latent, last(tiny.sample(dog, seed=1, steps=2)).latent)


# Less work, nearly the same result


@pytest.mark.parametrize("channels", [4, 9])
@pytest.mark.parametrize("sampler", ["ddim", "heun"])
def test_deep_features_are_kept_for_some_steps(new_tiny, sampler, channels):
    sd, seen = new_tiny(in_channels=channels), []
    run = {"seed": [1, 2], "steps": 5, "sampler": sampler}
    plain = finished(sd, **run)
    assert torch.equal(finished(sd, deep_cache=1, **run), plain)
    with look(sd, {"unet.middle": lambda value, at: seen.append(at.step)}):
        kept = finished(sd, deep_cache=3, **run)
    assert seen == {"ddim": [0, 3], "heun": [0, 5]}[sampler]
    assert torch.equal(finished(sd, deep_cache=3, **run), kept), "nothing is left of an earlier run"
    assert torch.equal(finished(sd, **run), plain)
    assert 0 < (kept - plain).abs().mean() < 0.2 * plain.std()


def test_deep_features_of_other_rows_are_not_reused(tiny):
    seen = []
    with look(tiny, {"unet.middle": lambda value, at: seen.append((at.step, len(value)))}):
        finished(tiny, steps=6, deep_cache=3, guidance_end=2 / 3)
    assert seen == [(0, 2), (3, 2), (4, 1)]


def test_two_runs_side_by_side_do_not_see_each_others_features(tiny):
    run = {"steps": 4, "deep_cache": 2, "token_merging": 0.5}
    alone = [last(tiny.sample(tiny.encode(words), **run)).latent for words in ("cat", "dog")]
    walks = [tiny.sample(tiny.encode(words), **run) for words in ("cat", "dog")]
    *_, both = zip(*walks, strict=True)
    assert all(torch.equal(step.latent, expected) for step, expected in zip(both, alone, strict=True))


@pytest.mark.parametrize("channels", [4, 9])
def test_merging_pixels_changes_little_and_is_repeatable(new_tiny, channels):
    sd, seen = new_tiny(in_channels=channels), set()
    run = {"seed": [1, 2], "steps": 3, "token_merging": 0.5}
    watch = {"unet.down.0.*.self_attention.to_q": lambda value, at: seen.add(value.shape[1])}
    with look(sd, before=watch):
        merged = finished(sd, **run)
    assert seen == {32}
    assert torch.equal(merged, finished(sd, **run))
    plain = finished(sd, **{**run, "token_merging": 0.0})
    assert 0 < (merged - plain).abs().mean() < 0.2 * plain.std()
    assert (finished(sd, **{**run, "seed": 2}) - merged[1]).abs().max() < 1e-4, "the same alone and among others"


def test_approximations_out_of_range_are_refused(tiny):
    words = tiny.encode("cat")
    with pytest.raises(SamplingError, match="whole number of steps"):
        tiny.sample(words, deep_cache=0)
    with pytest.raises(ValueError, match=r"0 to 0\.75 of the pixels"):
        tiny.sample(words, token_merging=0.9)


# Distilled models


@pytest.mark.parametrize(("scale", "steps"), [(8.5, 4), (1.0, 3)])
def test_a_latent_consistency_model_draws_what_diffusers_draws(scale, steps):
    from diffusers import LatentConsistencyModelPipeline, LCMScheduler
    from tests import pipelines

    sd, pipeline = pipelines.pair(LatentConsistencyModelPipeline, guidance_width=16)
    pipeline.scheduler = LCMScheduler.from_config(pipeline.scheduler.config)
    words = sd.encode("a black cat")
    theirs = pipeline(
        prompt_embeds=words.tensor,
        num_inference_steps=steps,
        guidance_scale=scale,
        generator=torch.Generator().manual_seed(9),
        output_type="latent",
    ).images
    rows = []
    with look(sd, {"unet.conditioning": lambda value, at: rows.append(len(value))}):
        ours = last(sd.sample(words, sampler="lcm", steps=steps, guidance_scale=scale, seed=9)).latent
    assert rows == [1] * steps, "the scale is told, so no second row runs"
    assert (ours - theirs).abs().max().item() <= 2e-3
    other = last(sd.sample(words, sampler="lcm", steps=steps, guidance_scale=3, seed=9)).latent
    assert (other - ours).abs().max() > 0.01
    run = {"sampler": "lcm", "steps": steps, "guidance_scale": scale, "seed": 9}
    faster = last(sd.sample(words, token_merging=0.5, deep_cache=2, **run)).latent
    assert 0 < (faster - ours).abs().mean() < 0.5 * ours.std(), "approximations are told the scale too"


# Steps


def test_steps_count_every_call_and_end_with_the_finished_latent(tiny):
    steps = list(tiny.sample(tiny.encode("cat"), steps=3, sampler="heun"))
    assert [step.index for step in steps] == [0, 1, 2, 3, 4, 5]
    assert {step.total for step in steps} == {5}
    assert steps[-1].sigma == 0
    assert torch.equal(steps[-1].latent, steps[-1].x0)
    assert all(step.latent.dtype == torch.float32 for step in steps)


def test_an_edit_between_steps_changes_what_follows(tiny):
    def run(edit) -> torch.Tensor:
        for step in tiny.sample(tiny.encode("cat"), steps=3, seed=1):
            edit(step)
        return step.latent

    def move(step) -> None:
        step.latent = step.latent + 1.0

    def replace(step) -> None:
        step.x0 = torch.zeros_like(step.x0)

    plain = run(lambda step: None)
    assert not torch.allclose(plain, run(move))
    assert not torch.allclose(plain, run(replace))


def test_gradients_are_off_inside_and_as_they_were_outside(tiny):
    for step in tiny.sample(tiny.encode("cat"), steps=2):
        assert torch.is_grad_enabled()
        assert not step.x0.requires_grad
    assert not tiny.encode("cat").tensor.requires_grad
    assert not tiny.encode_image(Image.new("RGB", (64, 64))).requires_grad


def test_requests_are_checked_before_the_first_step(tiny):
    words = tiny.encode("cat")
    with pytest.raises(SamplingError, match=r"no sampler 'eulr'.*'euler'"):
        tiny.sample(words, sampler="eulr")
    with pytest.raises(ModelError, match="width must be a multiple of 8 pixels, not 100: take 96"):
        tiny.sample(words, width=100)
    with pytest.raises(ModelError, match="height must be a multiple of 8 pixels, not -8: take 8"):
        tiny.sample(words, height=-8)
    with pytest.raises(ModelError, match=r"must be \(1, 4, 8, 8\), not \(1, 4, 8, 9\)"):
        tiny.sample(words, latent=torch.zeros(1, 4, 8, 9))
    with pytest.raises(SamplingError, match="takes no eta"):
        tiny.sample(words, sampler="euler", eta=0.5)


@pytest.mark.parametrize(("width", "height"), [(8, 8), (40, 72), (72, 40)])
def test_every_multiple_of_eight_is_a_size(tiny, width, height):
    assert tiny.decode(finished(tiny, width=width, height=height, steps=1)).size == (width, height)


# Pictures


def test_a_draw_from_the_vae_varies_about_its_mean(tiny):
    picture = Image.new("RGB", (64, 64), "teal")
    mean, drawn = tiny.encode_image(picture), tiny.encode_image(picture, seed=3)
    assert torch.equal(drawn, tiny.encode_image(picture, seed=3))
    with torch.no_grad():
        std = tiny.vae.encode(to_tensor(picture)).std * tiny.vae.config.scaling_factor
    assert torch.allclose(drawn - mean, std * Noise([3], (4, 8, 8)).draw(), atol=1e-5)


def test_a_picture_of_an_odd_size_is_refused(tiny):
    with pytest.raises(ModelError, match="width must be a multiple of 8 pixels, not 65"):
        tiny.encode_image(Image.new("RGB", (65, 64)))


# Inpainting U-Nets without a picture


def test_an_inpainting_unet_is_told_that_everything_is_masked_gray(new_tiny):
    sd = new_tiny(in_channels=9)
    seen = []
    with look(sd, before={"unet.conv_in": lambda value, at: seen.append(value)}):
        finished(sd, seed=[1, 2], steps=1)
    x, mask, picture = seen[0].split([4, 1, 4], dim=1)
    assert len(x) == 4  # two rows, with and without words
    assert (mask == 1).all()
    gray = sd.encode_image(torch.zeros(1, 3, 64, 64))
    assert torch.equal(picture, gray.expand(4, -1, -1, -1))


def test_the_x0_pane_of_an_inpainting_model_shows_the_run(new_tiny):
    sd = new_tiny(in_channels=9)
    seen = []
    with look(sd, {"denoiser.x0": lambda value, at: seen.append(at.step)}):
        finished(sd, steps=3)
    assert seen == [0, 1, 2]


def test_a_unet_that_needs_more_than_words_is_refused(tiny):
    with pytest.raises(ModelError, match="8 input channels needs a picture"):
        StableDiffusion(replace(tiny.checkpoint, unet=UNet(UNetConfig(in_channels=8, channels=(32,), heads=(1,)))))


# Loading


def test_float16_on_a_cpu_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(HardwareError, match="float16 does not work on a CPU: use bfloat16, float32 or auto"):
        load(tmp_path / "no such file", device="cpu", dtype="float16")


def test_native_size_follows_the_unet(tiny):
    assert tiny.native_size == (64, 64)
    assert (tiny.device, tiny.dtype) == (torch.device("cpu"), torch.float32)
