"""Every sampler against diffusers' scheduler of the same kind, step by step, with the same noise and network."""

import diffusers
import pytest
import torch
from tests.diffusion import peers

from garasu.diffusion import SAMPLERS, Denoiser, Noise, Schedule, Step, drive, start

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:diffusers")  # its numpy calls, thousands of them
SEED, SHAPE = 3, (4, 6, 5)
TOLERANCE = 1e-4  # of the largest latent; at most 4e-5 was measured, and 7e-5 for lcm, whose c_out we round to 1
SPACINGS = ("leading", "linspace", "trailing", "karras", "exponential")
STEPS = (2, 10, 15, 30, 50)  # 30 does not divide 1000
CURVES_UNKNOWN = ("ddpm", "ddim", "plms", "euler_a")  # diffusers draws no Karras or exponential levels for these


def ours(name, spacing, steps, prediction="epsilon", eta=0.0) -> list[Step]:
    sampler, schedule, noise = SAMPLERS[name], Schedule.scaled_linear(), Noise([SEED], SHAPE)
    sigmas = sampler.sigmas(schedule, steps, spacing)
    x = start(sampler, noise.draw(), float(sigmas[0]), spacing)
    denoiser, context = Denoiser(peers.network, schedule, prediction), torch.zeros(1, 1, 1)
    questions = sampler.run(sigmas, x, noise.draw, eta=eta)
    total, final = sampler.evaluations(sigmas), float(sigmas[-1])
    return list(drive(questions, lambda x, sigma: denoiser(x, sigma, context), total=total, final_sigma=final))


def theirs(name, spacing, steps, prediction="epsilon", eta=0.0) -> peers.Run:
    generator = torch.Generator("cpu").manual_seed(SEED)
    noise = torch.randn((1, *SHAPE), generator=generator)
    return peers.run(peers.scheduler(name, spacing, steps, prediction), noise, generator, eta)


def in_their_scale(name: str, step: Step) -> torch.Tensor:
    """σ-space x in the scale that the scheduler keeps it in: unit variance where it begins so."""
    return step.latent / (1 + step.sigma**2) ** 0.5 if SAMPLERS[name].start == "vp" else step.latent


def assert_same(name, steps: list[Step], run: peers.Run) -> None:
    assert len(steps) == len(run.before) + 1
    for step, expected in zip(steps, [*run.before, run.last], strict=True):
        worst = (in_their_scale(name, step) - expected).abs().max() / expected.abs().max()
        assert worst < TOLERANCE, f"step {step.index} of {step.total}"


CASES = [
    (name, spacing, steps)
    for name in peers.SCHEDULERS
    if name != "lcm"
    for spacing in SPACINGS
    for steps in STEPS
    if not (name in CURVES_UNKNOWN and spacing in ("karras", "exponential"))
]


@pytest.mark.parametrize(("name", "spacing", "steps"), CASES)
def test_every_latent_equals_diffusers(name, spacing, steps):
    assert_same(name, ours(name, spacing, steps), theirs(name, spacing, steps))


@pytest.mark.parametrize("steps", [1, 4, 8, 25, 50])
def test_every_latent_of_lcm_equals_diffusers_at_the_distilled_timesteps(steps):
    assert_same("lcm", ours("lcm", "lcm", steps), theirs("lcm", None, steps))


@pytest.mark.parametrize("name", [name for name in peers.SCHEDULERS if name != "plms"])  # it mixes past v, we past ε
@pytest.mark.parametrize("steps", [10, 30])
def test_every_latent_equals_diffusers_for_velocity(name, steps):
    assert_same(name, ours(name, None, steps, "v_prediction"), theirs(name, None, steps, "v_prediction"))


@pytest.mark.parametrize("eta", [0.4, 1.0])
@pytest.mark.parametrize("spacing", ["leading", "linspace", "trailing"])
def test_ddim_draws_the_same_noise_for_any_eta(spacing, eta):
    assert_same("ddim", ours("ddim", spacing, 30, eta=eta), theirs("ddim", spacing, 30, eta=eta))


@pytest.mark.parametrize("name", ["ddim", "ddpm", "dpmpp_2m", "dpmpp_2m_sde", "unipc", "deis"])
@pytest.mark.parametrize("spacing", ["leading", "linspace", "trailing"])
@pytest.mark.parametrize("steps", STEPS)
def test_whole_timesteps_are_the_same_integers(name, spacing, steps):
    asked = Schedule.scaled_linear().t(SAMPLERS[name].sigmas(Schedule.scaled_linear(), steps, spacing)[:-1])
    expected = torch.as_tensor(theirs(name, spacing, steps).timesteps, dtype=torch.float64)
    assert torch.allclose(asked, expected, rtol=1e-6, atol=0 if spacing != "linspace" else 1e-9)


@pytest.mark.parametrize("name", ["euler", "heun", "lms", "dpm2", "dpmpp_sde", "dpmpp_2m"])
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("steps", [30, 150])
def test_fractional_timesteps_differ_by_less_than_a_hundredth(name, spacing, steps):
    """diffusers reads σ between timesteps on a line in σ and its inverse on a line in log σ; ours are inverses."""
    for step, expected in zip(ours(name, spacing, steps), theirs(name, spacing, steps).timesteps, strict=False):
        assert float(Schedule.scaled_linear().t(step.sigma)) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("steps", [10, 25, 50])
def test_ddim_trailing_needs_no_corrected_neighbour_when_steps_divide_1000(steps, monkeypatch):
    monkeypatch.setattr(peers, "_true_neighbour", lambda made, index: None)
    assert_same("ddim", ours("ddim", "trailing", steps), theirs("ddim", "trailing", steps))


@pytest.mark.parametrize("spacing", ["linspace", "trailing"])
def test_ddim_of_diffusers_misses_the_next_timestep(spacing, monkeypatch):
    """What peers._true_neighbour corrects is there: without it the runs part."""
    monkeypatch.setattr(peers, "_true_neighbour", lambda made, index: None)
    with pytest.raises(AssertionError, match=r"step \d+ of 30"):
        assert_same("ddim", ours("ddim", spacing, 30), theirs("ddim", spacing, 30))


def test_ddpm_walks_all_thousand_timesteps():
    """diffusers can do so only with steps_offset 0 (with 1 it would ask for timestep 1000); we use all trained ones."""
    settings = peers.SD15 | {"steps_offset": 0, "clip_sample": False}
    scheduler = diffusers.DDPMScheduler(**settings)
    scheduler.set_timesteps(1000)
    generator = torch.Generator("cpu").manual_seed(SEED)
    run = peers.run(scheduler, torch.randn((1, *SHAPE), generator=generator), generator)
    assert_same("ddpm", ours("ddpm", "leading", 1000), run)
