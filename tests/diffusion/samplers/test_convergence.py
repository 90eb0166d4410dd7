"""Every sampler against the exact solution for Gaussian data: order of convergence, mean and variance."""

import itertools
import math

import pytest
import torch
from tests.diffusion.gaussian import Gaussian, finish
from tests.diffusion.samplers import second_opinions

from garasu.diffusion.samplers import SAMPLERS

DATA = [Gaussian(), Gaussian(mu=0.7, s=0.5), Gaussian(mu=-2.0, s=3.0)]
DETERMINISTIC = {"ddim": 1, "euler": 1, "heun": 2, "dpm2": 2, "dpmpp_2m": 2, "deis": 2, "plms": 2, "unipc": 3}
RANDOM = {"ddpm": 1, "ddim": 1, "euler_a": 1, "dpm2_a": 2, "dpmpp_2s_a": 2, "dpmpp_sde": 2, "dpmpp_2m_sde": 2}
RANDOM |= {"dpmpp_3m_sde": 2, "restart": 2}  # the order in which their variance approaches the data's
ETA = {"ddim": 1.0}  # which these are run with
SDE = {"ddpm": 1, "dpmpp_sde": 2, "dpmpp_2m_sde": 2, "dpmpp_3m_sde": 2}
EXTRAPOLATING = ("plms",)  # a step to 0 is like any other; lms, too
TOP, BOTTOM = 14.6, 0.03


def levels(count: int, *, zero: bool = False) -> torch.Tensor:
    """``count`` steps even in log σ from TOP to BOTTOM, and optionally one more to 0."""
    sigmas = torch.logspace(math.log10(TOP), math.log10(BOTTOM), count + 1, dtype=torch.float64)
    return torch.cat([sigmas, sigmas.new_zeros(1)]) if zero else sigmas


def uneven(count: int) -> torch.Tensor:
    """``count`` steps from TOP to BOTTOM, even in σ^(1/7) (Karras et al., eq. 5): no two strides in log σ agree."""
    return torch.linspace(TOP ** (1 / 7), BOTTOM ** (1 / 7), count + 1, dtype=torch.float64) ** 7


def even(count: int) -> torch.Tensor:
    """``count`` steps from TOP to BOTTOM, even in σ."""
    return torch.linspace(TOP, BOTTOM, count + 1, dtype=torch.float64)


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


def well_started(name: str, data: Gaussian, sigmas: torch.Tensor, exact: int) -> float:
    """The same as ``error``, where whoever watches puts x right at the first ``exact`` questions."""
    start = data.noisy(100, TOP, seed=1)
    questions = SAMPLERS[name].run(sigmas, start, no_noise)
    x, sigma = next(questions)
    for asked in itertools.count():
        x = data.flow(start, TOP, sigma) if asked < exact else x
        try:
            x, sigma = questions.send((x, data.denoise(x, torch.tensor(sigma, dtype=torch.float64))))
        except StopIteration as end:
            return float((end.value - data.flow(start, TOP, BOTTOM)).abs().max()) / data.s
    raise AssertionError("samplers end")


@pytest.mark.parametrize(("name", "spaced"), [("lms", levels), ("lms", uneven), ("lms", even), ("plms", even)])
def test_four_slopes_give_order_four(name, spaced):
    """Once they have four: of PLMS, whose weights are fixed, only where strides in σ are even."""
    for data in DATA if spaced is not even else DATA[2:]:  # even strides of σ are too long for the others
        errors = [well_started(name, data, spaced(count), exact=5) for count in (256, 512, 1024)]
        assert [math.log2(a / b) for a, b in itertools.pairwise(errors)] == pytest.approx([4, 4], abs=0.1)


def test_lms_as_it_starts_is_of_order_two():
    errors = [error("lms", DATA[2], uneven(count)) for count in (256, 512, 1024)]
    assert [math.log2(a / b) for a, b in itertools.pairwise(errors)] == pytest.approx([2, 2], abs=0.1)


@pytest.mark.parametrize("data", DATA, ids=str)
@pytest.mark.parametrize("name", [name for name in DETERMINISTIC if name not in EXTRAPOLATING])
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


def spread(name: str, data: Gaussian, sigmas: torch.Tensor) -> tuple[float, float]:
    """How far the end moves with the start, and the variance of the end, both exact.

    Sampler and denoiser are affine and pixels are independent: so pixel 0 starts one standard deviation high and
    every draw moves one pixel of its own. What pixels end with are the shares that add up to the variance.
    """
    drawn = itertools.count()
    finish(run_one(name, sigmas, data.noisy(1, TOP, seed=0), lambda: next(drawn) * torch.zeros(1)), data.denoise)
    unit = torch.eye(next(drawn) + 1, dtype=torch.float64)
    draws = iter(unit[1:])
    x = data.mu + (data.s**2 + TOP**2) ** 0.5 * unit[0]
    shares = finish(run_one(name, sigmas, x, lambda: next(draws)), data.denoise) - data.mu
    assert next(draws, None) is None
    return float(shares[0]), float(shares.square().sum())


def run_one(name, sigmas, x, draw):
    return SAMPLERS[name].run(sigmas, x, draw, eta=ETA.get(name, 0.0))


@pytest.mark.parametrize("data", DATA, ids=str)
@pytest.mark.parametrize("name", RANDOM)
def test_random_samplers_have_the_mean_and_variance_of_the_data(name, data):
    count, sigmas = 100_000, levels(60, zero=True)
    generator = torch.Generator().manual_seed(3)
    x = data.noisy(count, TOP, seed=4)
    draw = lambda: torch.randn(x.shape, generator=generator, dtype=x.dtype)  # noqa: E731
    end = finish(run_one(name, sigmas, x, draw), data.denoise)
    _, predicted = spread(name, data, sigmas)
    assert abs(float(end.mean()) - data.mu) < 5 * math.sqrt(predicted / count)
    assert float(end.var()) == pytest.approx(predicted, rel=5 * math.sqrt(2 / count))
    assert predicted == pytest.approx(data.s**2, rel=0.2 if RANDOM[name] == 1 else 0.01)


@pytest.mark.parametrize("name", [name for name in RANDOM if RANDOM[name] == 1])
def test_the_variance_of_ancestral_samplers_is_the_recursions(name):
    for data, zero in itertools.product(DATA, (True, False)):
        sigmas = levels(60, zero=zero)
        assert spread(name, data, sigmas)[1] == pytest.approx(variances(data, sigmas.tolist()), rel=1e-12)


@pytest.mark.parametrize("data", DATA, ids=str)
@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("spaced", [levels, uneven])
def test_the_variance_of_random_samplers_approaches_the_datas_in_order(spaced, name, data):
    short = [data.s**2 + BOTTOM**2 - spread(name, data, spaced(count))[1] for count in (256, 512, 1024)]
    orders = [math.log2(a / b) for a, b in itertools.pairwise(short)]
    assert orders == pytest.approx([RANDOM[name]] * 2, abs=0.1)


@pytest.mark.parametrize("data", DATA, ids=str)
@pytest.mark.parametrize("name", SDE)
def test_samplers_of_the_sde_follow_its_mean_exactly(name, data):
    """E[x at BOTTOM | x at TOP]: by Bayes' rule deviations shrink by (s² + BOTTOM²)/(s² + TOP²)."""
    expected = (data.s**2 + BOTTOM**2) / (data.s**2 + TOP**2) ** 0.5
    assert spread(name, data, uneven(40))[0] == pytest.approx(expected, rel=1e-9)


def drift_error(end_of, count: int) -> float:
    """Error of a noiseless run on dx/dλ = 2·(x0 − x), λ = −log σ, with x0 = sin(λ + 1) whatever x is."""
    sigmas = uneven(count)
    start, end = (-float(sigmas[at].log()) for at in (0, -1))
    shrink = math.exp(2 * (start - end))
    steady = [(4 * math.sin(lam + 1) - 2 * math.cos(lam + 1)) / 5 for lam in (start, end)]  # one solution
    return abs(end_of(sigmas) - steady[1] - shrink * (TOP - steady[0]))


@pytest.mark.parametrize("name", SDE)
def test_the_drift_is_followed_in_order(name):
    def end_of(sigmas):
        x = torch.full((1, 1, 1, 1), TOP, dtype=torch.float64)
        questions = SAMPLERS[name].run(sigmas, x, lambda: torch.zeros_like(x))
        return float(finish(questions, lambda x, sigma: (1 - sigma.log()).sin() + 0 * x))

    errors = [drift_error(end_of, count) for count in (256, 512, 1024)]
    orders = [math.log2(a / b) for a, b in itertools.pairwise(errors)]
    assert orders == pytest.approx([SDE[name]] * 2, abs=0.1)


@pytest.mark.parametrize(("curvature", "order"), [(1, 2), (2, 3)])
def test_half_the_curvature_costs_dpmpp_3m_sde_an_order(curvature, order):
    def end_of(sigmas):
        lambdas = (-sigmas.log()).tolist()
        x = second_opinions.alpha(lambdas[0]) * TOP
        end = second_opinions.dpmpp_3m_sde(lambdas, x, lambda x, lam: math.sin(lam + 1), lambda: 0, curvature)
        return end / second_opinions.alpha(lambdas[-1])

    errors = [drift_error(end_of, count) for count in (256, 512, 1024)]
    orders = [math.log2(a / b) for a, b in itertools.pairwise(errors)]
    assert orders == pytest.approx([order] * 2, abs=0.1)


@pytest.mark.parametrize("count", [1, 2, 4, 30])
def test_lcm_is_exact_in_any_number_of_steps_for_a_perfect_consistency_model(count):
    """Which knows where the ODE ends; for any other it has no order, as all of x but x0 is thrown away."""
    data, rows = Gaussian(mu=0.7, s=0.5), 100_000
    generator = torch.Generator().manual_seed(7)
    x = data.noisy(rows, TOP, seed=8)
    sigmas = torch.cat([levels(count)[:-1], torch.zeros(1, dtype=torch.float64)])
    questions = SAMPLERS["lcm"].run(sigmas, x, lambda: torch.randn(x.shape, generator=generator, dtype=x.dtype))
    end = finish(questions, lambda x, sigma: data.flow(x, float(sigma), 0.0))
    assert float(end.mean()) == pytest.approx(data.mu, abs=5 * data.s / rows**0.5)
    assert float(end.std()) == pytest.approx(data.s, rel=5 / (2 * rows) ** 0.5)


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
