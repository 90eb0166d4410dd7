import diffusers
import pytest
import torch

from garasu.diffusion import SamplingError, Schedule
from garasu.diffusion.spacing import SPACINGS

SCHEDULE = Schedule.scaled_linear()
EVERY_T = torch.arange(1000)


def test_the_numbers_of_stable_diffusion():
    alphas = {
        0: 0.99915,
        1: 0.9982960278384514,
        21: 0.9803807481013713,
        499: 0.27766965,
        501: 0.2749990668501319,
        981: 0.005775500139495751,
        999: 0.004660098513077238,
    }
    for t, alpha in alphas.items():
        assert float(SCHEDULE.alphas_cumprod[t]) == pytest.approx(alpha, rel=1e-12 if len(str(alpha)) > 12 else 1e-8)
    assert float(SCHEDULE.sigmas[0]) == pytest.approx(0.0291671582, rel=1e-8)
    assert float(SCHEDULE.sigmas[999]) == pytest.approx(14.6146412, rel=1e-8)


@pytest.mark.parametrize("betas", [{}, {"beta_start": 0.0001, "beta_end": 0.02}])
def test_alphas_equal_diffusers(betas):
    settings = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"} | betas
    expected = diffusers.DDPMScheduler(**settings).alphas_cumprod
    assert torch.allclose(Schedule.scaled_linear(**betas).alphas_cumprod.float(), expected, rtol=2e-5, atol=0)


def test_timestep_of_sigma_is_exact_on_trained_timesteps():
    assert torch.equal(SCHEDULE.t(SCHEDULE.sigmas), EVERY_T.double())
    assert torch.allclose(SCHEDULE.t(SCHEDULE.sigmas.float()), EVERY_T.double(), rtol=1e-6, atol=1e-7)
    assert (SCHEDULE.sigma(EVERY_T) / SCHEDULE.sigmas - 1).abs().max() < 1e-14


def test_timestep_and_sigma_are_inverses_between_trained_timesteps():
    t = torch.rand(2000, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 999
    assert torch.allclose(SCHEDULE.t(SCHEDULE.sigma(t)), t, rtol=1e-9)
    halfway = (SCHEDULE.sigmas[:-1] * SCHEDULE.sigmas[1:]).sqrt()  # a line in log σ passes the geometric mean
    assert torch.allclose(SCHEDULE.sigma(EVERY_T[:-1] + 0.5), halfway, rtol=1e-12)


def test_timestep_of_any_shape_and_beyond_the_trained_levels():
    sigma = torch.tensor([[0.0, 1e-4], [1.0, 100.0]])
    t = SCHEDULE.t(sigma)
    assert t.shape == (2, 2)
    assert t[0].tolist() == [0, 0]
    assert t[1, 1] == 999
    assert float(SCHEDULE.t(1.0)) == pytest.approx(float(t[1, 0]))


@pytest.mark.parametrize("t", [-0.01, 999.01, 1000, float("nan")])
def test_a_timestep_outside_training_is_refused(t):
    with pytest.raises(SamplingError, match=r"0…999"):
        SCHEDULE.sigma(torch.tensor([5.0, t]))


def test_sigmas_of_ten_uniform_steps():
    expected = [14.61464, 7.83988, 4.60917, 2.91831, 1.95016, 1.34493, 0.93236, 0.62498, 0.36866, 0.02917, 0]
    assert SCHEDULE.spaced(10, "linspace").tolist() == pytest.approx(expected, abs=6e-6)


def test_sigmas_of_ten_karras_steps():
    expected = [14.61464, 9.10293, 5.47839, 3.1686, 1.74942, 0.91407, 0.44692, 0.2014, 0.08191, 0.02917, 0]
    assert SCHEDULE.spaced(10, "karras").tolist() == pytest.approx(expected, abs=6e-6)


def test_sigmas_of_ten_simple_steps():
    expected = [14.61464, 8.3028, 5.08776, 3.32108, 2.27646, 1.61289, 1.16058, 0.82986, 0.56928, 0.34167, 0]
    assert SCHEDULE.spaced(10, "simple").tolist() == pytest.approx(expected, abs=6e-6)


def test_fractional_levels_of_sgm_uniform_are_those_of_the_tools_that_interpolate_log_sigma():
    levels = SCHEDULE.spaced(30, "sgm_uniform")[:-1]
    assert torch.allclose(levels, SCHEDULE.sigma(torch.linspace(999, 0, 31, dtype=torch.float64)[:-1]), rtol=1e-4)


@pytest.mark.parametrize("final", ["zero", "min"])
@pytest.mark.parametrize("spacing", [name for name in SPACINGS if name != "lcm"])  # which has no more than 50
@pytest.mark.parametrize("steps", [1, 2, 7, 30, 500, 999, 1000])
def test_spaced_descends_from_noise_to_the_final_level(steps, spacing, final):
    sigmas = SCHEDULE.spaced(steps, spacing, final)
    assert sigmas.dtype == torch.float64
    assert sigmas.shape == (steps + 1,)
    assert (sigmas.diff()[:-1] < 0).all()
    assert sigmas[-1] <= sigmas[-2]
    assert sigmas[-1] == (0 if final == "zero" else SCHEDULE.sigmas[0])
    assert 0.0291 < sigmas[0] < 14.615


def test_skip_lowest_makes_room_above_zero():
    more, fewer = SCHEDULE.spaced(11, "leading"), SCHEDULE.spaced(10, "leading", skip_lowest=True)
    assert fewer[:-1].tolist() == more[:10].tolist()
    trailing = SCHEDULE.spaced(10, "trailing", skip_lowest=True)  # has that room already
    assert trailing.tolist() == SCHEDULE.spaced(10, "trailing").tolist()


@pytest.mark.parametrize("steps", [0, -1, 1001, 2.5, True, "10", None])
def test_impossible_step_counts_are_refused(steps):
    with pytest.raises(SamplingError, match="whole number from 1 to 1000"):
        SCHEDULE.spaced(steps, "linspace")
    with pytest.raises(SamplingError, match="from 1 to 999"):
        SCHEDULE.spaced(1000, "linspace", skip_lowest=True)


def test_unknown_names_are_refused_with_near_names():
    with pytest.raises(SamplingError, match=r"no spacing 'kerras': did you mean 'karras'\?.*leading, linspace"):
        SCHEDULE.spaced(10, "kerras")
    with pytest.raises(SamplingError, match="zero, min"):
        SCHEDULE.spaced(10, "karras", final="none")  # type: ignore[arg-type]


@pytest.mark.parametrize("alphas", [[0.9, 0.9], [0.5, 0.6], [1.0, 0.5], [0.9, 0.0], [0.9, float("nan")], [0.9]])
def test_a_schedule_that_does_not_fall_is_refused(alphas):
    with pytest.raises(SamplingError, match="betas"):
        Schedule(torch.tensor(alphas))
