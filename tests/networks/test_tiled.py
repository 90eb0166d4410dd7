"""A VAE in tiles: exact where a tile is the picture, and hardly to be told from the whole elsewhere."""

import random
from contextlib import nullcontext

import pytest
import torch

from garasu.model import load
from garasu.networks import tiled
from garasu.networks.vae import VAE, VAEConfig
from garasu.world.render import render
from garasu.world.scene import random_scene


@pytest.fixture(scope="module")
def small() -> VAE:
    torch.manual_seed(0)
    return VAE(VAEConfig(channels=(8, 8, 16, 16), layers=1, groups=8)).eval()


@torch.no_grad()
def test_one_tile_is_the_whole(small):
    image = torch.rand(2, 3, 64, 96) * 2 - 1
    whole, tiles = small.encode(image), tiled.encode(small, image, tile=12, overlap=4)
    assert torch.equal(tiles.mean, whole.mean)
    assert torch.equal(tiles.log_variance, whole.log_variance)
    assert torch.equal(tiled.decode(small, whole.mean, tile=12, overlap=4), small.decode(whole.mean))


@torch.no_grad()
def test_tiles_come_one_at_a_time_at_their_places(small):
    seen = []
    hook = small.decoder.register_forward_pre_hook(lambda _, given: seen.append(tuple(given[0].shape)))
    decoded = tiled.decode(small, torch.zeros(1, 4, 8, 20), tile=8, overlap=2)
    hook.remove()
    assert seen[1:] == [(1, 4, 8, 8)] * 3  # after the smaller copy
    assert decoded.shape == (1, 3, 64, 160)


@torch.no_grad()
def test_a_drawing_in_tiles_is_hardly_to_be_told_from_the_whole():
    vae = load(dtype="float32", device="cpu").vae
    drawn = render(random_scene(random.Random(1)), (384, 256), 1)
    image = torch.from_numpy(drawn.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    latent = vae.encode(image).mean
    whole = vae.decode(latent)
    off = 127.5 * (tiled.decode(vae, latent, tile=32, overlap=12) - whole).abs().mean().item()
    assert 0 < off < 2
    again = tiled.encode(vae, image, tile=32, overlap=12).mean
    assert 127.5 * (vae.decode(again) - whole).abs().mean().item() < 3  # tiles of 96, the default, are nearer


@torch.no_grad()
def test_tiles_are_normalised_as_the_whole(small, monkeypatch):
    """Where the smaller copy is the whole, only what a tile's own border changes is left."""
    torch.nn.init.zeros_(small.decoder.middle.attention.to_out.weight)  # it would see a tile in place of the whole
    latent = torch.randn(1, 4, 20, 44) * torch.linspace(0.2, 3, 44)
    whole = small.decode(latent)
    monkeypatch.setattr(tiled, "_sample", lambda x, most, block: x)
    alike = (tiled.decode(small, latent, tile=32, overlap=20) - whole).abs().mean()
    monkeypatch.setattr(tiled, "_normalised_as", lambda *_: nullcontext())
    apart = (tiled.decode(small, latent, tile=32, overlap=20) - whole).abs().mean()
    assert alike < apart / 4
