"""Small pictures of latents: the known maps, the measured one, the fitted one, and the tiny decoder."""

from dataclasses import replace

import pytest
import torch
from tests.conftest import build_tiny
from tests.networks.test_tiny_decoder import tiny_pair
from torch.nn import functional as F

import garasu
from garasu.glass.preview import (
    BUNDLED,
    STABLE_DIFFUSION,
    LinearPreview,
    TinyPreview,
    fitted,
    linear_preview,
    sampled_latents,
)
from garasu.images.convert import to_tensor
from garasu.networks.vae import VAEConfig


@pytest.fixture(scope="module")
def bundled():
    return garasu.load(engine="plain", dtype="float32")


def explained(sd, preview, latent):
    """The share of the variance of the decoded cells' colours that a preview has right."""
    colors = F.avg_pool2d(to_tensor(sd.decode_each(latent)), sd.vae.config.factor)
    wrong = (to_tensor(preview(latent)) - colors).square().sum()
    return 1 - float(wrong / (colors - colors.mean((0, 2, 3), keepdim=True)).square().sum())


def finished(sd, prompt, seed):
    *_, step = sd.sample(sd.encode(prompt), steps=8, guidance_scale=3, seed=seed)
    return step.latent


def test_a_cell_is_a_pixel():
    preview = LinearPreview(torch.eye(4)[:, :3], torch.tensor([0.0, -1.0, 1.0]))
    latent = torch.zeros(2, 4, 3, 5)
    latent[1, 0, 2, 4] = 1
    first, second = preview(latent)
    assert first.size == (5, 3)
    assert first.getpixel((4, 2)) == (128, 0, 255)
    assert second.getpixel((4, 2)) == (255, 0, 255)
    assert second.getpixel((4, 1)) == (128, 0, 255)


def test_stable_diffusions_own_map_is_taken_for_its_own_vae():
    sd = build_tiny()
    sd.vae.config = VAEConfig()
    assert linear_preview(sd) is STABLE_DIFFUSION
    (gray,) = STABLE_DIFFUSION(torch.zeros(1, 4, 2, 2))
    assert gray.getpixel((0, 0)) == (128, 128, 128)
    bright = STABLE_DIFFUSION(torch.tensor([1.0, 1.0, 0, 0]).reshape(1, 4, 1, 1))[0].getpixel((0, 0))
    assert bright == tuple(round((1 + value) * 127.5) for value in (0.485, 0.493, 0.381))


def test_a_linear_vae_is_fitted_exactly(monkeypatch):
    """A decoder that is itself a linear map of cells comes out as that map."""
    factors, base = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)) * 0.1, torch.tensor([0.1, -0.1, 0.0])
    sd = build_tiny()

    def decode(unscaled):
        colors = (unscaled * sd.vae.config.scaling_factor).movedim(1, -1) @ factors + base
        return F.interpolate(colors.movedim(-1, 1), scale_factor=sd.vae.config.factor)

    monkeypatch.setattr(sd.vae, "decode", decode)
    latent = torch.randn(4, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    found = fitted(sd, latent)
    assert (found.factors - factors).abs().max() < 2e-3  # pictures have 256 levels
    assert (found.base - base).abs().max() < 2e-3


def test_the_measured_map_of_the_bundled_model_still_holds(bundled):
    latent = torch.cat([finished(bundled, words, 5) for words in ("a black cat", "a beach", "an orange dog at night")])
    assert linear_preview(bundled) is BUNDLED
    assert explained(bundled, BUNDLED, latent) > 0.65
    assert explained(bundled, fitted(bundled, latent), latent) - explained(bundled, BUNDLED, latent) < 0.15


def test_a_model_that_is_not_known_is_fitted_to_its_own_vae(bundled):
    other = replace(bundled.checkpoint, name="other")
    sd = garasu.StableDiffusion(other, name="other")
    preview = linear_preview(sd)
    assert preview is not BUNDLED
    assert explained(sd, preview, sampled_latents(sd)) > 0.8
    assert explained(sd, preview, finished(bundled, "a black cat", 5)) > 0.4  # of real pictures, that it never saw


def test_a_tiny_decoder_gives_pictures_of_full_size():
    decoder, peer = tiny_pair(8, (1, 1, 1, 1))
    latent = torch.randn(2, 4, 4, 3, generator=torch.Generator().manual_seed(0))
    pictures = TinyPreview(decoder)(latent)
    assert [one.size for one in pictures] == [(24, 32)] * 2
    with torch.no_grad():
        theirs = peer.decode(latent).sample.clamp(-1, 1)
    assert (to_tensor(pictures) - theirs).abs().max() <= 1.01 / 255
