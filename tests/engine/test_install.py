"""Whole networks by an engine: the same names, the same weights, the same results to rounding, and back again."""

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from garasu.checkpoints import read, write_folder
from garasu.engine import Engine, choose, install
from garasu.model import StableDiffusion
from garasu.networks.unet import UNet, UNetConfig
from garasu.networks.vae import VAE, VAEConfig
from garasu.panes import look

CPU = torch.device("cpu")
UNET = UNetConfig(channels=(32, 64), layers=1, attention=(True, True), heads=(2, 4), context_width=48, groups=8)
VAE_CONFIG = VAEConfig(channels=(16, 32), layers=1, groups=4)


def networks(dtype: torch.dtype) -> list[tuple[nn.Module, tuple[Tensor, ...]]]:
    """Each network with something to compute."""
    torch.manual_seed(0)
    x, t, context = torch.randn(2, 4, 16, 20), torch.tensor([7.0, 900.0]), torch.randn(2, 77, 48)
    vae = VAE(VAE_CONFIG)
    return [
        (UNet(UNET).to(dtype).eval(), (x.to(dtype), t, context.to(dtype))),
        (vae.decoder.to(dtype).eval(), (torch.randn(1, 4, 12, 10).to(dtype),)),
        (vae.encoder.to(dtype).eval(), (torch.randn(1, 3, 24, 20).to(dtype),)),
    ]


def distance(one: Tensor, other: Tensor) -> float:
    return float((one.float() - other.float()).norm() / other.float().norm())


@pytest.mark.parametrize("which", [0, 1, 2])
@torch.no_grad()
def test_float32_is_the_plain_network(which: int) -> None:
    network, given = networks(torch.float32)[which]
    expected = network(*given)
    install(network, choose("auto", CPU, torch.float32))
    assert (network(*given) - expected).abs().max() < 1e-4
    assert distance(network(*given), expected) < 1e-5


@pytest.mark.parametrize("which", [0, 1, 2])
@torch.no_grad()
def test_bfloat16_is_near_float32(which: int) -> None:
    expected = networks(torch.float32)[which][0](*networks(torch.float32)[which][1])
    network, given = networks(torch.bfloat16)[which]
    install(network, choose("auto", CPU, torch.bfloat16))
    assert distance(network(*given), expected) < 0.015


@torch.no_grad()
def test_names_and_weights_stay_and_it_can_be_taken_out() -> None:
    network, given = networks(torch.float32)[0]
    before, expected = deepcopy(network.state_dict()), network(*given)
    kinds = [type(module) for module in network.modules()]
    install(network, choose("auto", CPU, torch.float32))
    assert [type(module) for module in network.modules()] != kinds
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(deepcopy(network)(*given), network(*given))
    install(network, Engine(()))
    assert [type(module) for module in network.modules()] == kinds
    assert torch.equal(network(*given), expected)


def test_gradients_are_the_plain_networks() -> None:
    network, given = networks(torch.float32)[0]
    network(*given).square().sum().backward()
    expected = {name: one.grad.clone() for name, one in network.named_parameters() if one.grad is not None}
    network.zero_grad()
    install(network, choose("auto-channels_last", CPU, torch.float32))
    network(*given).square().sum().backward()
    for name, one in network.named_parameters():
        if name in expected:
            torch.testing.assert_close(one.grad, expected[name], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_whoever_looks_sees_the_same_values() -> None:
    network, given = networks(torch.float32)[0]
    seen: list[list[Tensor]] = [[], []]
    for engine, values in zip(("plain", "auto"), seen, strict=True):
        install(network, choose(engine, CPU, torch.float32))
        panes = {"*.weights": lambda value, at, to=values: to.append(value.clone())}
        with look(network, panes):
            network(*given)
    assert len(seen[0]) == len(seen[1]) > 0
    for plain, fast in zip(*seen, strict=True):
        assert (plain - fast).abs().max() < 1e-4


def test_weights_that_lie_right_are_not_copied() -> None:
    network, _ = networks(torch.float32)[0]
    engine = choose("auto", CPU, torch.float32)
    install(network, engine)
    places = [one.data_ptr() for one in network.parameters()]
    install(network, engine)
    assert [one.data_ptr() for one in network.parameters()] == places


def test_a_model_says_what_it_runs_by(tiny: StableDiffusion, tmp_path) -> None:
    write_folder(tiny.checkpoint, tmp_path / "model")
    layout = torch.channels_last
    checkpoint = read(tmp_path / "model", layout=layout)
    assert checkpoint.unet.conv_in.weight.is_contiguous(memory_format=layout)
    sd = StableDiffusion(checkpoint)
    sd.run_by(choose("plain", CPU, torch.float32), CPU)
    assert checkpoint.unet.conv_in.weight.is_contiguous()
    assert not sd.engine.has("channels_last")
