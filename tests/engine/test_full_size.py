"""Stable Diffusion 1.5's U-Net by the engine, on random weights: the same results to rounding."""

import pytest
import torch
from torch import Tensor

from garasu.engine import choose, install
from garasu.networks.unet import UNet
from garasu.panes import look

CPU = torch.device("cpu")

pytestmark = pytest.mark.slow


def relative(one: Tensor, other: Tensor) -> float:
    return float((one.float() - other).norm() / other.norm())


@torch.no_grad()
def test_float32_is_the_plain_network_and_bfloat16_is_near() -> None:
    torch.manual_seed(0)
    unet = UNet().eval()
    x, t, context = torch.randn(2, 4, 32, 32), torch.tensor([500.0, 20.0]), torch.randn(2, 77, 768)
    expected = unet(x, t, context)
    install(unet, choose("auto", CPU, torch.float32))
    found = unet(x, t, context)
    assert (found - expected).abs().max() < 1e-4
    seen: list[Tensor] = []
    with look(unet, {"down.0.transformers.0.blocks.0.cross_attention.weights": lambda value, _: seen.append(value)}):
        watched = unet(x, t, context)
    assert (watched - found).abs().max() < 1e-4
    torch.testing.assert_close(seen[0].sum(-1), torch.ones(2, 8, 1024), rtol=0, atol=1e-5)
    unet.bfloat16()
    install(unet, choose("auto", CPU, torch.bfloat16))
    assert relative(unet(x.bfloat16(), t, context.bfloat16()), expected) < 0.015
