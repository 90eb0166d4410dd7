"""Starting from a picture, against diffusers' img2img and inpainting pipelines on shared random weights."""

import pytest
import torch
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline
from tests.diffusion import peers
from tests.pipelines import pair

from garasu.diffusion.canvas import Canvas
from garasu.diffusion.noise import Noise
from garasu.model import ModelError

pytestmark = pytest.mark.filterwarnings(  # diffusers' numpy calls, thousands of them
    "ignore::DeprecationWarning:diffusers", "ignore:__array_wrap__:DeprecationWarning"
)
WIDTH, HEIGHT = 96, 64
PICTURE = torch.rand(1, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0)) * 2 - 1
MASK = torch.zeros(1, 1, HEIGHT, WIDTH)
MASK[..., 16:48, 8:56] = 1
NOISE = Noise([3, 4], (4, HEIGHT // 8, WIDTH // 8)).draw()
SMALL = MASK[..., ::8, ::8]

STARTS_LATE = {
    "plms": "starts PNDM with a doubled timestep, which its img2img cuts off",
    "lms": "weighs the first slopes of a late start as if there were four",
}


@pytest.fixture(scope="module")
def img2img():
    return pair(StableDiffusionImg2ImgPipeline)


@pytest.fixture(scope="module", params=[4, 9])
def inpaint(request):
    return pair(StableDiffusionInpaintPipeline, request.param)


@pytest.fixture(autouse=True)
def the_mean_is_encoded(monkeypatch):
    """diffusers draws from the VAE's posterior; both take its mean here, so that only the loop is compared."""
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution as Posterior

    monkeypatch.setattr(Posterior, "sample", lambda self, generator=None: self.mean)


def conditions(sd):
    words, nothing = sd.encode(["a black cat", "a dog"]), sd.encode(["", "blue"])
    return words, nothing, {"prompt_embeds": words.tensor, "negative_prompt_embeds": nothing.tensor}


def finished(sd, canvas, sampler="ddim", **knobs):
    words, nothing, _ = conditions(sd)
    *_, last = sd.sample(words, negative=nothing, sampler=sampler, canvas=canvas, latent=NOISE, **knobs)
    return last.latent


@pytest.mark.parametrize("strength", [0.3, 0.75, 1.0])
@pytest.mark.parametrize("sampler", ["ddim", "plms", "euler", "heun", "lms", "dpm2", "dpmpp_2m", "unipc", "deis"])
def test_img2img_is_that_of_diffusers(img2img, monkeypatch, sampler, strength):
    if sampler in STARTS_LATE and strength < 1:
        pytest.skip(f"diffusers {STARTS_LATE[sampler]}")
    sd, pipeline = img2img
    pipeline.scheduler = peers.scheduler(sampler, None, 10)
    noise = iter([NOISE])
    module = "diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_img2img.randn_tensor"
    monkeypatch.setattr(module, lambda *_, **__: next(noise))
    ours = finished(sd, Canvas(sd.encode_image(PICTURE), strength), sampler, steps=10, guidance_scale=5)
    theirs = pipeline(
        **conditions(sd)[2],
        image=PICTURE.expand(2, -1, -1, -1),
        strength=strength,
        num_inference_steps=10,
        guidance_scale=5,
        output_type="latent",
    ).images
    assert (ours - theirs).abs().max().item() <= 1e-3


@pytest.mark.parametrize("strength", [0.3, 0.75, 1.0])
@pytest.mark.parametrize(
    ("sampler", "eta"),
    [
        ("ddpm", 0.0),
        ("ddim", 0.5),
        ("ddim", 1.0),
        ("euler_a", 0.0),
        ("dpm2_a", 0.0),
        ("dpmpp_2m_sde", 0.0),
        ("lcm", 0.0),
    ],
)
def test_img2img_of_samplers_that_draw_noise_is_that_of_diffusers(img2img, sampler, eta, strength):
    """Each row's generator gives the noise that the picture is laid under, and after it that of every step."""
    sd, pipeline = img2img
    pipeline.scheduler = peers.scheduler(sampler, None, 10)
    words, nothing, embeds = conditions(sd)
    canvas = Canvas(sd.encode_image(PICTURE), strength)
    knobs = {"sampler": sampler, "eta": eta, "steps": 10, "guidance_scale": 5}
    *_, ours = sd.sample(words, negative=nothing, canvas=canvas, seed=[3, 4], **knobs)
    theirs = pipeline(
        **embeds,
        image=PICTURE.expand(2, -1, -1, -1),
        strength=strength,
        num_inference_steps=10,
        guidance_scale=5,
        eta=eta,
        generator=[torch.Generator().manual_seed(seed) for seed in (3, 4)],
        output_type="latent",
    ).images
    assert (ours.latent - theirs).abs().max().item() <= 1e-3


@pytest.mark.parametrize("strength", [0.4, 0.8, 1.0])
def test_inpainting_is_that_of_diffusers(inpaint, monkeypatch, strength):
    sd, pipeline = inpaint
    nine = sd.unet.config.in_channels == 9
    noise = iter([NOISE])
    module = "diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_inpaint.randn_tensor"
    monkeypatch.setattr(module, lambda *_, **__: next(noise))
    masked = sd.encode_image(PICTURE * (MASK < 0.5)) if nine else None
    canvas = Canvas(sd.encode_image(PICTURE), strength, SMALL, masked=masked)
    ours = finished(sd, canvas, steps=10, guidance_scale=5)
    theirs = pipeline(
        **conditions(sd)[2],
        image=PICTURE,
        mask_image=MASK,
        height=HEIGHT,
        width=WIDTH,
        strength=strength,
        num_inference_steps=10,
        guidance_scale=5,
        output_type="latent",
    ).images
    assert (ours - theirs).abs().max().item() <= 1e-3


def test_the_mask_reaches_a_network_of_nine_channels():
    sd, _ = pair(StableDiffusionInpaintPipeline, 9)
    latent, masked = sd.encode_image(PICTURE), sd.encode_image(PICTURE * (MASK < 0.5))
    knobs = {"steps": 2, "guidance_scale": 1}
    one = finished(sd, Canvas(latent, 1.0, SMALL, masked=masked), **knobs)
    other = finished(sd, Canvas(latent, 1.0, 1 - SMALL, masked=masked), **knobs)
    assert (one - other).abs().max() > 1e-3
    with pytest.raises(ModelError, match=r"give canvas\.masked"):
        finished(sd, Canvas(latent, 1.0, SMALL), **knobs)


def test_the_canvas_decides_the_size(tiny):
    canvas = Canvas(tiny.encode_image(PICTURE), 0.5)
    *_, last = tiny.sample(tiny.encode("a cat"), canvas=canvas, steps=2)
    assert last.latent.shape == (1, 4, 8, 12)
    with pytest.raises(ModelError, match="is 96x64, not 64x64: fit it first"):
        tiny.sample(tiny.encode("a cat"), canvas=canvas, width=64, height=64)


def test_another_strength_has_the_same_noise(tiny):
    """The notes' author forgot this: every strength had noise of its own, and the sweep jumped."""
    latent = tiny.encode_image(PICTURE)
    for strength in (0.3, 0.6, 0.9):
        first = next(tiny.sample(tiny.encode("a cat"), canvas=Canvas(latent, strength), seed=9, steps=10))
        assert torch.allclose((first.latent - latent) / first.sigma, Noise([9], (4, 8, 12)).draw(), atol=1e-4)


def test_every_picture_of_a_batch_starts_from_its_own(tiny):
    latents = torch.cat([tiny.encode_image(PICTURE), tiny.encode_image(-PICTURE)])
    together = [*tiny.sample(tiny.encode(["a cat"] * 2), canvas=Canvas(latents, 0.5), seed=[1, 2], steps=4)][-1]
    for row, seed in enumerate((1, 2)):
        *_, alone = tiny.sample(tiny.encode("a cat"), canvas=Canvas(latents[row : row + 1], 0.5), seed=seed, steps=4)
        assert (together.latent[row] - alone.latent[0]).abs().max() < 1e-4
