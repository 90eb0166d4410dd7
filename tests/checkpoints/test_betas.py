"""The schedule of a checkpoint, against diffusers' own arithmetic."""

from __future__ import annotations

import pytest
import torch
from diffusers import DDIMScheduler

from garasu.checkpoints.betas import Betas, from_buffer, from_config
from garasu.checkpoints.errors import CheckpointError

CASES = [Betas(), Betas(0.0001, 0.02, 1000, "linear"), Betas(0.001, 0.02, 500, "scaled_linear")]


@pytest.mark.parametrize("betas", CASES)
def test_diffusers_makes_the_same_of_the_same_numbers(betas: Betas) -> None:
    peer = DDIMScheduler(betas.length, betas.start, betas.end, betas.kind)
    assert torch.allclose(betas.schedule().alphas_cumprod.float(), peer.alphas_cumprod, rtol=1e-5)
    assert from_config(peer.config, "here") == betas


@pytest.mark.parametrize("betas", CASES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_a_buffer_tells_its_schedule_in_every_type(betas: Betas, dtype: torch.dtype) -> None:
    found = from_buffer(betas.values().to(dtype), "here")
    assert (found.kind, found.length) == (betas.kind, betas.length)
    assert found.start == pytest.approx(betas.start, rel=5e-3)
    assert found.end == pytest.approx(betas.end, rel=5e-3)


def test_a_buffer_of_stable_diffusion_is_its_schedule_exactly() -> None:
    assert from_buffer(Betas().values().half(), "here") == Betas()


def test_diffusers_defaults_fill_what_a_config_leaves_out() -> None:
    peer = DDIMScheduler()
    assert from_config({}, "here") == Betas(peer.config.beta_start, peer.config.beta_end, 1000, "linear")


@pytest.mark.parametrize(
    "config", [{"beta_schedule": "sigmoid"}, {"trained_betas": [0.1]}, {"rescale_betas_zero_snr": True},
               {"beta_start": 0}, {"num_train_timesteps": 1}, {"beta_end": 2}, {"num_train_timesteps": 1000.0}]
)  # fmt: skip
def test_other_schedules_are_refused(config: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="here: "):
        from_config(config, "here")
