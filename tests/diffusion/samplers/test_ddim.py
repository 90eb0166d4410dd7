"""DDIM's closed-form numbers, and which samplers are the same step in other words."""

import pytest
import torch
from tests.diffusion.gaussian import Gaussian, finish

from garasu.diffusion import SAMPLERS, Schedule

SCHEDULE = Schedule.scaled_linear()


@pytest.mark.parametrize(("share", "steps", "expected"), [(1.0, 10, 0.4702681748468139), (0.5, 50, 2.6577264432498016)])
def test_a_network_that_answers_a_share_of_its_input(share, steps, expected):
    """ε(x, t) = share·x from x = 1 at unit variance, leading timesteps, ending at ᾱ of timestep 0."""
    sigmas = SAMPLERS["ddim"].sigmas(SCHEDULE, steps)
    x = (1 + sigmas[0] ** 2).sqrt().reshape(1, 1, 1, 1)

    def denoise(x, sigma):
        return x - sigma * share * x / (1 + sigma**2).sqrt()

    end = finish(SAMPLERS["ddim"].run(sigmas, x, lambda: x), denoise) / (1 + sigmas[-1] ** 2).sqrt()
    assert float(end) == pytest.approx(expected, rel=1e-12)


def end_of(name: str, eta: float = 0.0) -> torch.Tensor:
    """The same levels, the same first x and the same noise for every sampler."""
    sigmas = SCHEDULE.spaced(20, "karras")
    generator = torch.Generator().manual_seed(0)

    def draw():
        return torch.randn(1, 4, 5, 6, generator=generator, dtype=torch.float64)

    return finish(SAMPLERS[name].run(sigmas, draw() * sigmas[0], draw, eta=eta), Gaussian(0.3, 0.6).denoise)


def test_in_sigma_space_euler_is_ddim_and_ancestral_euler_is_ddpm_is_ddim_with_eta_one():
    assert torch.allclose(end_of("euler"), end_of("ddim"), rtol=1e-10)
    assert torch.allclose(end_of("euler_a"), end_of("ddim", eta=1), rtol=1e-10)
    assert torch.allclose(end_of("ddpm"), end_of("ddim", eta=1), rtol=1e-10)
    assert not torch.allclose(end_of("ddpm"), end_of("ddim"), rtol=1e-2)


def test_eta_zero_draws_no_noise():
    def no_noise():
        raise AssertionError("drew noise")

    x = torch.ones(1, 1, 1, 1)
    finish(SAMPLERS["ddim"].run(SCHEDULE.spaced(5), x, no_noise), Gaussian().denoise)
    with pytest.raises(AssertionError, match="drew noise"):
        finish(SAMPLERS["ddim"].run(SCHEDULE.spaced(5), x, no_noise, eta=0.1), Gaussian().denoise)
