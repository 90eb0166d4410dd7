"""Variations: the arc between two noises against its closed form and A1111's rule, and noises of another size."""

import math

import pytest
import torch

from garasu.diffusion.errors import SamplingError
from garasu.diffusion.noise import Noise
from garasu.diffusion.variation import resized, slerp, varied

SHAPE = (4, 8, 6)
A, B = Noise([1, 2, 3], SHAPE).draw(), Noise([4, 5, 6], SHAPE).draw()


@pytest.mark.parametrize("along", ["whole", "columns"])
def test_the_ends_are_the_noises(along):
    assert torch.allclose(slerp(A, B, 0.0, along), A, atol=1e-6)
    assert torch.allclose(slerp(A, B, 1.0, along), B, atol=1e-6)


def test_the_arc_turns_evenly_and_keeps_its_length():
    """Between unit vectors of one angle ω the point at share s lies at the angle s·ω from the first."""
    a = torch.zeros(1, 1, 1, 2)
    a[..., 0] = 1
    angle = 1.1
    b = torch.tensor([math.cos(angle), math.sin(angle)]).reshape(1, 1, 1, 2)
    for share in (0.1, 0.5, 0.9):
        point = slerp(a, b, share).flatten()
        assert point.tolist() == pytest.approx([math.cos(share * angle), math.sin(share * angle)], abs=1e-6)


def test_noise_stays_noise_on_the_way():
    a, b = Noise([7], (4, 64, 64)).draw(), Noise([8], (4, 64, 64)).draw()
    assert float(slerp(a, b, 0.5).std()) == pytest.approx(1, abs=0.02)
    assert float(torch.lerp(a, b, 0.5).std()) == pytest.approx(0.5**0.5, abs=0.02), "what the arc is for"


def test_the_named_rule_is_a1111s():
    for share in (0.2, 0.7):
        rows = slerp(A, B, share, "columns")
        for row, low, high in zip(rows, A, B, strict=True):
            for channel in range(4):
                for x in range(6):
                    u, v = low[channel, :, x].double(), high[channel, :, x].double()
                    omega = math.acos(float(u @ v / (u.norm() * v.norm())))
                    expected = (math.sin((1 - share) * omega) * u + math.sin(share * omega) * v) / math.sin(omega)
                    assert torch.allclose(row[channel, :, x].double(), expected, atol=1e-5)
    assert torch.allclose(slerp(A, 1.0001 * A, 0.25, "columns"), 1.000075 * A), "its line has the weights swapped"


def test_parallel_noises_are_no_accident():
    assert torch.equal(slerp(A, A, 0.3), A)
    assert slerp(A, -A, 0.5).isfinite().all()


def test_every_picture_varies_alone():
    rows = varied([1, 2], [9, 9], 0.3, SHAPE)
    assert torch.equal(rows[1:], varied([2], [9], 0.3, SHAPE))
    assert torch.allclose(varied([1], [9], 0.0, SHAPE), Noise([1], SHAPE).draw(), atol=1e-6)


def test_another_size_has_the_noise_in_its_middle():
    small = Noise([1], SHAPE).draw()
    wide = resized(small, [1], (4, 8, 12))
    assert torch.equal(wide[..., 3:9], small)
    own = Noise([1], (4, 8, 12)).draw()
    assert torch.equal(wide[..., :3], own[..., :3])
    assert torch.equal(resized(small, [1], (4, 4, 6)), small[:, :, 2:6])
    assert torch.equal(resized(small, [1], SHAPE), small)


def test_what_cannot_be_is_refused():
    with pytest.raises(SamplingError, match=r"strength must lie in 0…1, got 1\.5"):
        slerp(A, B, 1.5)
    with pytest.raises(SamplingError, match="no kind of slerp 'rows'"):
        slerp(A, B, 0.5, "rows")
