"""CLIP's vision tower against transformers' on random weights."""

import pytest
import torch
from tests.networks.peers import max_error, vision_pair

from garasu.networks.clip_vision import CLIPVisionConfig

SMALL = {
    "quick_gelu": CLIPVisionConfig(
        image_size=32, patch_size=8, width=48, layers=3, heads=4, mlp_width=96, projection_width=24
    ),
    "gelu": CLIPVisionConfig(
        image_size=30, patch_size=6, width=64, layers=2, heads=2, mlp_width=128, activation="gelu", projection_width=40
    ),
}


@pytest.mark.parametrize("name", SMALL)
def test_small_towers_agree_with_transformers(name: str) -> None:
    ours, peer = vision_pair(SMALL[name])
    side = ours.config.image_size
    pixels = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(side))
    with torch.inference_mode():
        assert max_error(ours(pixels), peer(pixels).image_embeds) <= 1e-5


def test_gradients_reach_every_parameter() -> None:
    ours, _ = vision_pair(SMALL["gelu"])
    ours(torch.randn(1, 3, 30, 30, generator=torch.Generator().manual_seed(3))).square().sum().backward()
    assert [name for name, value in ours.named_parameters() if value.grad is None] == []


@pytest.mark.slow
def test_full_size_agrees_with_transformers() -> None:
    ours, peer = vision_pair(CLIPVisionConfig())
    pixels = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        assert max_error(ours(pixels), peer(pixels).image_embeds) <= 1e-4
