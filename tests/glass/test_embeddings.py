"""Pictures as vectors of length 1."""

import pytest
import torch

from garasu.glass.embeddings import embeddings
from garasu.networks.clip_vision import CLIPVision, CLIPVisionConfig


def test_batches_come_out_as_one_set_of_unit_vectors() -> None:
    tower = CLIPVision(
        CLIPVisionConfig(image_size=16, patch_size=8, width=16, layers=1, heads=2, mlp_width=32, projection_width=8)
    )
    images = torch.rand(5, 3, 24, 40, generator=torch.Generator().manual_seed(0)) * 2 - 1
    apart = embeddings(tower, [images[:2], images[2:]])
    assert apart.dtype == torch.float64 and not apart.requires_grad
    assert apart.norm(dim=1).tolist() == pytest.approx([1.0] * 5)
    assert torch.allclose(apart, embeddings(tower, [images]), atol=1e-6)
