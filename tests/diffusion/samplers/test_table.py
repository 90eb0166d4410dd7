import dataclasses
import inspect

import pytest
import torch
from tests.diffusion import peers
from tests.diffusion.gaussian import Gaussian, finish

from garasu.diffusion import SAMPLERS, SamplingError, Schedule, find_sampler, start
from garasu.diffusion.spacing import SPACINGS

SCHEDULE = Schedule.scaled_linear()
NOISE = torch.ones(1, 4, 2, 2)


def no_noise():
    raise AssertionError("drew noise")


@pytest.mark.parametrize("name", peers.SCHEDULERS)
def test_default_spacing_and_start_are_those_of_diffusers(name):
    sampler, scheduler = SAMPLERS[name], peers.scheduler(name, None, 20)
    if name != "lcm":  # whose timesteps are its own, whatever its configuration says
        assert sampler.spacing == scheduler.config.timestep_spacing
    sigmas = sampler.sigmas(SCHEDULE, 20)
    first = start(sampler, NOISE, float(sigmas[0]))
    if sampler.start == "vp":  # their x is of unit variance
        first = first / (1 + sigmas[0] ** 2).sqrt()
    assert float(first.flatten()[0]) == pytest.approx(float(scheduler.init_noise_sigma), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "like"), [("dpmpp_2s_a", "dpm2_a"), ("dpmpp_3m_sde", "dpmpp_2m_sde"), ("restart", "heun")]
)
def test_what_diffusers_lacks_has_the_defaults_of_its_like(name, like):
    kept = {"name": name, "make": SAMPLERS[name].make}
    assert dataclasses.replace(SAMPLERS[like], **kept) == SAMPLERS[name]


@pytest.mark.parametrize("name", ["euler", "euler_a", "heun", "lms", "dpm2", "dpm2_a", "dpmpp_sde"])
@pytest.mark.parametrize("spacing", ["leading", "linspace", "trailing"])
def test_start_follows_the_spacing_as_in_diffusers(name, spacing):
    sampler, scheduler = SAMPLERS[name], peers.scheduler(name, spacing, 20)
    sigma = float(sampler.sigmas(SCHEDULE, 20, spacing)[0])
    got = float(start(sampler, NOISE, sigma, spacing).flatten()[0])
    assert got == pytest.approx(float(scheduler.init_noise_sigma), rel=1e-5)


@pytest.mark.parametrize("name", peers.SCHEDULERS)
@pytest.mark.parametrize("steps", [1, 2, 25])
def test_evaluations_are_as_many_as_diffusers_timesteps(name, steps):
    sigmas = SAMPLERS[name].sigmas(SCHEDULE, steps)
    assert SAMPLERS[name].evaluations(sigmas) == len(peers.scheduler(name, None, steps).timesteps)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 2, 25])
def test_evaluations_are_as_many_as_are_made_on_the_whole_way_and_on_its_tail(name, steps):
    whole = SAMPLERS[name].sigmas(SCHEDULE, steps)
    for sigmas in (whole, whole[-2:], whole[steps // 2 :]):
        asked = []
        finish(SAMPLERS[name].run(sigmas, NOISE, lambda: NOISE), lambda x, sigma: asked.append(sigma) or x / 2)  # noqa: B023
        assert SAMPLERS[name].evaluations(sigmas) == len(asked)


def test_the_table_is_by_name_and_each_generator_says_its_paper():
    for name, sampler in SAMPLERS.items():
        assert sampler.name == name == sampler.make.__name__
        assert inspect.isgeneratorfunction(sampler.make)
        assert "arXiv:" in sampler.make.__doc__


@pytest.mark.parametrize(("name", "near"), [("Euler", "euler"), ("dpm_2m", "dpmpp_2m"), ("ddm", "ddpm")])
def test_an_unknown_sampler_is_refused_with_near_names(name, near):
    with pytest.raises(SamplingError, match=rf"no sampler '{name}': did you mean .*'{near}'.*known ones are ddpm"):
        find_sampler(name)
    assert find_sampler(near) is SAMPLERS[near]


def test_eta_is_refused_where_it_means_nothing():
    sigmas = SCHEDULE.spaced(5)
    for name in set(SAMPLERS) - {"ddim"}:
        with pytest.raises(SamplingError, match="takes no eta"):
            SAMPLERS[name].run(sigmas, NOISE, no_noise, eta=0.5)
    for eta in (-0.1, 1.1, float("nan")):
        with pytest.raises(SamplingError, match="0…1"):
            SAMPLERS["ddim"].run(sigmas, NOISE, no_noise, eta=eta)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("steps", [0, 1001])
def test_step_counts_out_of_range_are_refused(name, steps):
    with pytest.raises(SamplingError, match="steps must be a whole number"):
        SAMPLERS[name].sigmas(SCHEDULE, steps)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_spacing_runs_with_few_and_with_most_steps(name, spacing):
    sampler = SAMPLERS[name]
    for steps in (1, 2, 50) if spacing == "lcm" else (1, 2, 61, 999):
        sigmas = sampler.sigmas(SCHEDULE, steps, spacing)
        x = start(sampler, NOISE.double(), float(sigmas[0]), spacing)
        for eta in (0.0, 1.0) if sampler.eta else (0.0,):
            end = finish(sampler.run(sigmas, x, NOISE.double, eta=eta), Gaussian().denoise)
            assert torch.isfinite(end).all()
