"""Power by frequency."""

import math

import pytest
import torch

from garasu.glass.spectrum import Rings, power


def test_a_wave_lies_in_its_ring() -> None:
    rings = Rings(16, 32)
    y = torch.arange(16)[:, None] + 0 * torch.arange(32)
    found = rings.mean(power(torch.cos(2 * math.pi * y * 3 / 16)))
    assert found.argmax() == 3
    assert rings.frequency[3] == pytest.approx(3 / 16, abs=0.02)
    assert float(found.sum() - found[3]) == pytest.approx(0, abs=1e-9)
    assert float(found[3] * rings.count[3]) == pytest.approx(16 * 32 / 2)  # the sum of the squares of a cosine


def test_the_first_ring_is_the_mean_and_all_rings_are_everything() -> None:
    rings = Rings(6, 9)
    values = torch.rand(5, 6, 9, generator=torch.Generator().manual_seed(0))
    found = rings.mean(power(values))
    assert rings.frequency[0] == 0 and rings.count[0] == 1
    assert int(rings.count.sum()) == 54
    assert torch.allclose(found[:, 0], values.double().mean((1, 2)) ** 2 * 54)
    assert torch.allclose((found * rings.count).sum(1), values.double().square().sum((1, 2)))


def test_white_noise_has_its_variance_at_every_frequency() -> None:
    values = 3 * torch.randn(400, 16, 16, generator=torch.Generator().manual_seed(0))
    assert Rings(16, 16).mean(power(values)).mean(0).tolist() == pytest.approx([9] * 12, rel=0.2)
    assert power(values).mean().item() == pytest.approx(9, rel=0.01)
