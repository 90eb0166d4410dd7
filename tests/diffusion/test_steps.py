import pytest
import torch
from tests.diffusion import peers
from tests.diffusion.gaussian import Gaussian, finish

from garasu.diffusion import SAMPLERS, Denoiser, Noise, Schedule, drive, guided, start
from garasu.panes import look

SCHEDULE = Schedule.scaled_linear()
DATA = Gaussian(mu=0.4, s=0.7)
STEPS = 6
RANDOM = ("ddpm", "euler_a", "restart", "dpm2_a", "dpmpp_2s_a", "dpmpp_sde", "dpmpp_2m_sde", "dpmpp_3m_sde", "lcm")


def begin(name: str, seeds=(1, 2)):
    """A sampler at its first question, with how many are to come and where it ends."""
    sampler, noise = SAMPLERS[name], Noise(seeds, (4, 3, 5))
    sigmas = sampler.sigmas(SCHEDULE, STEPS)
    x = start(sampler, noise.draw(), float(sigmas[0]))
    return sampler.run(sigmas, x, noise.draw), {
        "total": sampler.evaluations(sigmas),
        "final_sigma": float(sigmas[-1]),
    }


@pytest.mark.parametrize("name", SAMPLERS)
def test_one_step_for_each_evaluation_and_one_finished(name):
    questions, ending = begin(name)
    asked = []
    steps = list(drive(questions, lambda x, sigma: asked.append(sigma) or DATA.denoise(x, sigma), **ending))
    assert [step.index for step in steps] == list(range(len(asked) + 1))
    assert {step.total for step in steps} == {len(asked)} == {ending["total"]}
    assert [step.sigma for step in steps[:-1]] == [float(sigma) for sigma in asked]
    assert all(sigma.dtype == torch.float64 and sigma.ndim == 0 for sigma in asked)
    assert all(step.latent.dtype == step.x0.dtype == torch.float32 for step in steps)
    for step in steps[:-1]:
        assert torch.equal(step.x0, DATA.denoise(step.latent, torch.tensor(step.sigma, dtype=torch.float64)))


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_finished_latent_is_in_the_trained_scale(name):
    questions, ending = begin(name)
    last = list(drive(questions, DATA.denoise, **ending))[-1]
    x = finish(begin(name)[0], DATA.denoise)
    assert last.sigma == 0
    assert torch.equal(last.latent, last.x0)
    assert torch.allclose(last.latent, x / (1 + ending["final_sigma"] ** 2) ** 0.5)


@pytest.mark.parametrize("name", SAMPLERS)
def test_an_edited_x0_steers_the_sampler(name):
    questions, ending = begin(name)
    for step in drive(questions, DATA.denoise, **ending):
        if step.sigma:
            step.x0 = torch.full_like(step.x0, 0.25)
    # An end at σ_min keeps its share of noise; all signal is what was put in.
    assert torch.allclose(step.latent, torch.full_like(step.latent, 0.25), atol=4 * ending["final_sigma"] + 1e-5)


@pytest.mark.parametrize("name", SAMPLERS)
def test_an_edited_latent_is_where_the_sampler_goes_on(name):
    def run(edit: bool):
        questions, ending = begin(name)
        for step in drive(questions, DATA.denoise, **ending):
            if edit and step.index == 0:
                step.latent, step.x0 = step.latent.flip(0), step.x0.flip(0)
        return step.latent

    if name in RANDOM:  # the noise drawn later is not flipped with the latents
        assert not torch.equal(run(True), run(False))
    else:
        assert torch.allclose(run(True), run(False).flip(0), atol=1e-6)


def test_breaking_off_asks_nothing_more():
    questions, ending = begin("euler")
    asked = []
    for step in drive(questions, lambda x, sigma: asked.append(sigma) or x, **ending):
        if step.index == 2:
            break
    assert len(asked) == 3


def test_panes_know_the_step_the_level_the_rows_and_the_grid():
    questions, ending = begin("heun")
    denoiser, context, seen = Denoiser(peers.network, SCHEDULE), torch.zeros(1, 1, 1), []
    with look(denoiser, {"x0": lambda value, at: seen.append((at.step, at.sigma, at.rows, at.grid))}):
        steps = list(drive(questions, guided(denoiser, context, context, 2), **ending))
    rows = ("negative 0", "negative 1", "prompt 0", "prompt 1")
    assert seen == [(step.index, step.sigma, rows, (3, 5)) for step in steps[:-1]]
