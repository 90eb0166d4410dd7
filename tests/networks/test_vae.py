"""The VAE against diffusers' on random weights, and its posterior against torch.distributions."""

import pytest
import torch
from diffusers import AutoencoderKL
from tests.networks.peers import max_error, vae_pair
from torch.distributions import Normal, kl_divergence

from garasu.networks.vae import VAE, Posterior, VAEConfig

SMALL = {
    "sd-like": VAEConfig(channels=(32, 64, 64, 96), groups=8),
    "two levels": VAEConfig(channels=(16, 32), layers=1, groups=8),
    "three levels": VAEConfig(channels=(16, 16, 32), layers=3, groups=4, latent_channels=6),
}


def errors(ours: VAE, peer: AutoencoderKL, height: int, width: int, rows: int = 2) -> tuple[float, float]:
    """Largest difference of encode (mean and std) and of decode, in the networks' own precision."""
    dtype = ours.quant_conv.weight.dtype
    generator = torch.Generator().manual_seed(height * 1000 + width)
    factor = ours.config.factor
    image = torch.rand(rows, 3, height, width, generator=generator, dtype=dtype) * 2 - 1
    size = (rows, ours.config.latent_channels, height // factor, width // factor)
    latent = torch.randn(size, generator=generator, dtype=dtype)
    with torch.inference_mode():
        here, there = ours.encode(image), peer.encode(image).latent_dist
        encoded = max(max_error(here.mean, there.mean), max_error(here.std, there.std))
        return encoded, max_error(ours.decode(latent), peer.decode(latent).sample)


@pytest.mark.parametrize("name", SMALL)
def test_small_vaes_agree_with_diffusers(name: str) -> None:
    assert max(errors(*vae_pair(SMALL[name], seed=len(name)), 32, 48)) <= 1e-5


def test_in_double_precision_nothing_differs() -> None:
    """Errors of 1e-5 can hide a small wrong constant (an eps, a scale); 1e-12 can not."""
    ours, peer = vae_pair(SMALL["sd-like"])
    assert max(errors(ours.double(), peer.double(), 32, 48)) <= 1e-12


@pytest.mark.parametrize(("height", "width"), [(8, 8), (40, 72), (24, 8)])
def test_sizes_with_odd_latents(height: int, width: int) -> None:
    assert max(errors(*vae_pair(SMALL["sd-like"]), height, width)) <= 1e-5


@pytest.mark.parametrize("config", [*SMALL.values(), VAEConfig()])
def test_the_latent_is_smaller_by_the_factor(config: VAEConfig) -> None:
    with torch.device("meta"):
        vae, side = VAE(config), 2 * config.factor
        assert vae.encode(torch.zeros(1, 3, side, side)).mean.shape == (1, config.latent_channels, 2, 2)
        assert vae.decode(torch.zeros(1, config.latent_channels, 2, 2)).shape == (1, 3, side, side)


def test_posterior_is_the_normal_distribution_it_says() -> None:
    mean, log_variance, noise = torch.randn(3, 2, 4, 5, 6, generator=torch.Generator().manual_seed(1))
    posterior = Posterior(mean, log_variance)
    reference = Normal(mean, torch.exp(log_variance) ** 0.5)
    torch.testing.assert_close(posterior.std, reference.stddev)
    torch.testing.assert_close(posterior.sample(noise), reference.mean + reference.stddev * noise)
    expected = kl_divergence(reference, Normal(torch.zeros(()), torch.ones(())))
    torch.testing.assert_close(posterior.kl(), expected)


def test_extreme_log_variances_stay_finite() -> None:
    ours, peer = vae_pair(SMALL["two levels"])
    with torch.inference_mode():
        ours.quant_conv.bias[4:] = torch.tensor([500.0, -500.0, 0.0, 0.0])
        image = torch.zeros(1, 3, 8, 8)
        here, there = ours.encode(image), peer.encode(image).latent_dist
    assert here.log_variance[0, 0].unique().item() == 20
    assert here.log_variance[0, 1].unique().item() == -30
    torch.testing.assert_close(here.std, there.std)


def test_gradients_reach_every_parameter() -> None:
    ours, _ = vae_pair(SMALL["three levels"])
    posterior = ours.encode(torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(2)))
    picture = ours.decode(posterior.sample(torch.randn_like(posterior.mean)))
    (picture.square().mean() + posterior.kl().mean()).backward()
    dead = [name for name, value in ours.named_parameters() if value.grad is None]
    assert dead == []


def test_the_default_is_stable_diffusion_1() -> None:
    with torch.device("meta"):
        assert sum(value.numel() for value in VAE().parameters()) == 83_653_863


@pytest.mark.slow
def test_full_size_agrees_with_diffusers() -> None:
    assert max(errors(*vae_pair(VAEConfig()), 512, 512, rows=1)) <= 1e-4
