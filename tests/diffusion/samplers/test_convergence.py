"""Every sampler against the exact solution for Gaussian data: order of convergence, mean and variance."""

import itertools
import math

import pytest
import torch
from tests.diffusion.gaussian import Gaussian, finish

from garasu.diffusion.samplers import SAMPLERS

DATA = [Gaussian(), Gaussian(mu=0.7, s=0.5), Gaussian(mu=-2.0, s=3.0)]
DETERMINISTIC = {"ddim": 1, "euler": 1, "heun": 2, "dpmpp_2m": 2}
RANDOM = {"ddpm": 0.0, "ddim": 1.0, "euler_a": 0.0}  # with the eta that they are run with
TOP, BOTTOM = 14.6, 0.03


def levels(count: int, *, zero: bool = False) -> torch.Tensor:
    """``count`` steps even in log σ from TOP to BOTTOM, and optionally one more to 0."""
    sigmas = torch.logspace(math.log10(TOP), math.log10(BOTTOM), count + 1, dtype=torch.float64)
    return torch.cat([sigmas, sigmas.new_zeros(1)]) if zero else sigmas


def uneven(count: int) -> torch.Tensor:
    """``count`` steps from TOP to BOTTOM, even in σ^(1/7) (Karras et al., eq. 5): no two strides in log σ agree."""
    return torch.linspace(TOP ** (1 / 7), BOTTOM ** (1 / 7), count + 1, dtype=torch.float64) ** 7


def no_noise():
    raise AssertionError("a deterministic sampler drew noise")


def error(name: str, data: Gaussian, sigmas: torch.Tensor) -> float:
    """Largest deviation of the sampler's end from the exact one, relative to the data's spread."""
    x = data.noisy(100, TOP, seed=1)
    exact = data.flow(x, TOP, BOTTOM)
    end = finish(SAMPLERS[name].run(sigmas, x, no_noise), data.denoise)
    return float((end - exact).abs().max()) / data.s


@pytest.mark.parametrize("data", DATA, ids=str)
@pytest.mark.parametrize("name", DETERMINISTIC)
@pytest.mark.parametrize("spaced", [levels, uneven])
def test_halving_the_stride_halves_the_error_once_per_order(spaced, name, data):
    errors = [error(name, data, spaced(count)) for count in (128, 256, 512)]
    orders = [math.log2(coarse / fine) for coarse, fine in itertools.pairwise(errors)]
    assert orders == pytest.approx([DETERMINISTIC[name]] * 2, abs=0.05)
    assert errors[-1] < 0.02


@pytest.mark.parametrize("data", DATA, ids=str)
@pytest.mark.parametrize("name", DETERMINISTIC)
def test_the_last_step_to_zero_gives_the_denoisers_answer(name, data):
    x = data.noisy(100, TOP, seed=2)
    before = finish(SAMPLERS[name].run(levels(40), x, no_noise), data.denoise)
    end = finish(SAMPLERS[name].run(levels(40, zero=True), x, no_noise), data.denoise)
    expected = data.denoise(before, torch.tensor(BOTTOM, dtype=torch.float64))
    assert torch.allclose(end, expected, rtol=1e-12, atol=1e-12)


def variances(data: Gaussian, sigmas: list[float]) -> float:
    """Variance that an ancestral run ends with, stated as a recursion, from the exact variance at the top.

    x' = x0 + (σ'/σ)²·(x − x0) + noise of variance σ'²·(1 − (σ'/σ)²), and x0 is affine in x with slope s²/(s² + σ²).
    """
    variance = data.s**2 + sigmas[0] ** 2
    for sigma, following in itertools.pairwise(sigmas):
        slope, kept = data.s**2 / (data.s**2 + sigma**2), (following / sigma) ** 2
        variance = (slope + kept * (1 - slope)) ** 2 * variance + following**2 * (1 - kept)
    return variance


@pytest.mark.parametrize("data", DATA, ids=str)
@pytest.mark.parametrize("name", RANDOM)
def test_random_samplers_have_the_mean_and_variance_of_the_data(name, data):
    count, sigmas = 100_000, levels(60, zero=True)
    generator = torch.Generator().manual_seed(3)
    x = data.noisy(count, TOP, seed=4)
    end = finish(
        SAMPLERS[name].run(
            sigmas, x, lambda: torch.randn(x.shape, generator=generator, dtype=x.dtype), eta=RANDOM[name]
        ),
        data.denoise,
    )
    predicted = variances(data, sigmas.tolist())
    assert abs(float(end.mean()) - data.mu) < 5 * math.sqrt(predicted / count)
    assert float(end.var()) == pytest.approx(predicted, rel=5 * math.sqrt(2 / count))
    assert predicted == pytest.approx(data.s**2, rel=0.2)


def test_the_variance_of_random_samplers_approaches_the_datas_with_order_one():
    data = Gaussian(mu=0.7, s=0.5)
    short = [data.s**2 + BOTTOM**2 - variances(data, levels(count).tolist()) for count in (256, 512, 1024)]
    assert [math.log2(a / b) for a, b in itertools.pairwise(short)] == pytest.approx([1, 1], abs=0.1)


@pytest.mark.parametrize("eta", [0.3, 0.8])
def test_ddim_between_zero_and_one_keeps_the_marginals(eta):
    data, count, sigmas = Gaussian(mu=0.7, s=0.5), 100_000, levels(300)
    generator = torch.Generator().manual_seed(5)
    x = data.noisy(count, TOP, seed=6)
    questions = SAMPLERS["ddim"].run(
        sigmas, x, lambda: torch.randn(x.shape, generator=generator, dtype=x.dtype), eta=eta
    )
    end = finish(questions, data.denoise)
    assert float(end.mean()) == pytest.approx(data.mu, abs=0.02)
    assert float(end.var()) == pytest.approx(data.s**2 + BOTTOM**2, rel=0.06)
