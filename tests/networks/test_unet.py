"""The U-Net against diffusers' on random weights, at small sizes, odd sizes and Stable Diffusion's own."""

from dataclasses import replace

import pytest
import torch
from diffusers import UNet2DConditionModel
from tests.networks.peers import max_error, unet_pair

from garasu.networks.unet import UNet, UNetConfig

SD1 = UNetConfig(channels=(32, 64, 96, 96), heads=(4, 4, 4, 4), context_width=40)
SMALL = {
    "sd1": SD1,
    "sd2": UNetConfig(
        channels=(32, 64, 96, 96), heads=(2, 4, 6, 6), context_width=48, linear_projection=True, sample_size=96
    ),
    "inpainting": UNetConfig(in_channels=9, channels=(32, 64, 96, 96), heads=(4, 4, 4, 4), context_width=40),
    "two levels": UNetConfig(
        channels=(16, 32), layers=1, attention=(False, True), heads=(2, 4), context_width=24, groups=8
    ),
    "three levels": UNetConfig(
        channels=(16, 32, 32), layers=3, attention=(True, False, True), heads=(1, 2, 4), context_width=24, groups=4
    ),
    "v-like out": UNetConfig(
        out_channels=8, channels=(32, 64), layers=2, attention=(True, True), heads=(4, 4), context_width=24, groups=16
    ),
}


def inputs(config: UNetConfig, height: int, width: int, rows: int = 2) -> tuple[torch.Tensor, ...]:
    """A noisy latent, timesteps and a conditioning, seeded by the size."""
    generator = torch.Generator().manual_seed(height * 1000 + width)
    x = torch.randn(rows, config.in_channels, height, width, generator=generator)
    context = torch.randn(rows, 77, config.context_width, generator=generator)
    return x, torch.tensor([981.0, 17.0][:rows]), context


def error(ours: UNet, peer: UNet2DConditionModel, height: int, width: int, rows: int = 2) -> float:
    """Largest difference of one call, in the networks' own precision."""
    dtype = ours.conv_in.weight.dtype
    x, t, context = (value.to(dtype) for value in inputs(ours.config, height, width, rows))
    with torch.inference_mode():
        return max_error(ours(x, t, context), peer(x, t, context).sample)


@pytest.mark.parametrize("name", SMALL)
def test_small_unets_agree_with_diffusers(name: str) -> None:
    assert error(*unet_pair(SMALL[name], seed=len(name)), 16, 8) <= 1e-5


@pytest.mark.parametrize("width", [16, 256])
def test_a_distilled_unet_is_told_the_guidance_scale_as_diffusers_tells_it(width: int) -> None:
    from diffusers import LatentConsistencyModelPipeline

    ours, peer = unet_pair(replace(SD1, guidance_width=width))
    x, t, context = inputs(ours.config, 8, 8)
    scale = torch.tensor([1.0, 8.5])
    told = LatentConsistencyModelPipeline.get_guidance_scale_embedding(None, scale - 1, embedding_dim=width)
    with torch.inference_mode():
        theirs = peer(x, t, context, timestep_cond=told).sample
        assert max_error(ours(x, t, context, scale), theirs) <= 1e-5
        assert max_error(ours(x, t, context), peer(x, t, context).sample) <= 1e-5
        assert max_error(ours(x, t, context), theirs) > 1e-3, "the scale matters"


def test_in_double_precision_nothing_differs() -> None:
    """Errors of 1e-5 can hide a small wrong constant (an eps, a scale); 1e-12 can not."""
    ours, peer = unet_pair(SD1)
    assert error(ours.double(), peer.double(), 7, 12) <= 1e-12


@pytest.mark.parametrize(("height", "width"), [(5, 9), (7, 12), (9, 5), (1, 1), (8, 13), (24, 8)])
def test_sizes_that_the_ladder_does_not_divide(height: int, width: int) -> None:
    """The way up must take its sizes from the skips: 2·⌈5/2⌉ is not 5."""
    assert error(*unet_pair(SD1), height, width) <= 1e-5


def test_fractional_timesteps_are_not_rounded() -> None:
    ours, peer = unet_pair(SMALL["two levels"])
    x, _, context = inputs(ours.config, 8, 8)
    with torch.inference_mode():
        here, there = (ours(x, torch.full((2,), t), context) for t in (500.25, 500.0))
        assert max_error(here, peer(x, torch.tensor(500.25), context).sample) <= 1e-5
    assert (here - there).abs().max() > 1e-4


def test_each_row_has_its_own_timestep_and_words() -> None:
    ours, _ = unet_pair(SMALL["sd1"])
    x, t, context = inputs(ours.config, 8, 8)
    with torch.inference_mode():
        together = ours(x, t, context)
        apart = torch.cat([ours(x[i : i + 1], t[i : i + 1], context[i : i + 1]) for i in range(2)])
    assert max_error(together, apart) <= 1e-5


def test_gradients_reach_every_parameter() -> None:
    ours, _ = unet_pair(SMALL["three levels"])
    x, t, context = inputs(ours.config, 8, 8)
    ours(x, t, context).square().mean().backward()
    dead = [name for name, value in ours.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0]
    assert dead == []


def test_the_default_is_stable_diffusion_1() -> None:
    with torch.device("meta"):
        assert sum(value.numel() for value in UNet().parameters()) == 859_520_964


@pytest.mark.slow
@pytest.mark.parametrize("size", [(64, 64), (40, 72)], ids=["64x64", "40x72"])
def test_full_size_agrees_with_diffusers(size: tuple[int, int]) -> None:
    assert error(*unet_pair(UNetConfig()), *size, rows=1) <= 1e-4


@pytest.mark.slow
def test_full_size_of_stable_diffusion_2_agrees_with_diffusers() -> None:
    config = UNetConfig(heads=(5, 10, 20, 20), context_width=1024, linear_projection=True, sample_size=96)
    assert error(*unet_pair(config), 12, 20, rows=1) <= 1e-4
