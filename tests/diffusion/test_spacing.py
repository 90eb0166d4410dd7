import diffusers
import pytest
import torch

from garasu.diffusion import SamplingError
from garasu.diffusion.spacing import exponential, karras, lcm, leading, linspace, sgm_uniform, simple, trailing

SD15 = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}


def diffusers_ddim(spacing: str, steps: int) -> list[int]:
    scheduler = diffusers.DDIMScheduler(timestep_spacing=spacing, **SD15)
    scheduler.set_timesteps(steps)
    return scheduler.timesteps.tolist()


def test_leading_equals_diffusers_for_every_step_count_but_1000():
    for steps in range(1, 1000):
        assert leading(steps, 1000).tolist() == diffusers_ddim("leading", steps), steps
    assert max(diffusers_ddim("leading", 1000)) == 1000  # which no network was trained on
    assert leading(1000, 1000).tolist() == list(range(999, -1, -1))


def test_linspace_equals_diffusers_for_every_step_count_but_1():
    for steps in range(2, 1001):
        assert linspace(steps, 1000).round().tolist() == diffusers_ddim("linspace", steps), steps
    assert diffusers_ddim("linspace", 1) == [0]  # a picture cannot begin where there is no noise
    assert linspace(1, 1000).tolist() == [999]


def test_trailing_equals_diffusers_where_it_makes_as_many_steps_as_asked():
    surplus = []
    for steps in range(1, 1001):
        expected, got = diffusers_ddim("trailing", steps), trailing(steps, 1000).tolist()
        assert got == expected[:steps], steps
        if len(expected) > steps:
            surplus.append(steps)
            assert expected[steps:] == [-1]
        assert got[0] == 999
        assert got[-1] >= 0
    assert surplus[:2] == [61, 103]  # rounding errors give diffusers one more


def test_sgm_uniform_in_whole_timesteps_is_what_dpm_solver_takes_of_linspace():
    scheduler = diffusers.DPMSolverMultistepScheduler(timestep_spacing="linspace", **SD15)
    for steps in range(1, 1000):
        scheduler.set_timesteps(steps)
        assert sgm_uniform(steps, 1000).round().tolist() == scheduler.timesteps.tolist(), steps
    assert sgm_uniform(25, 1000)[[0, 1, -1]].tolist() == pytest.approx([999, 959.04, 39.96])


def test_simple_counts_down_and_is_at_most_one_from_trailing():
    for steps in range(1, 1001):
        got = simple(steps, 1000)
        assert got.tolist() == [999 - int(index * (1000 / steps)) for index in range(steps)], steps
        assert (got - trailing(steps, 1000)).abs().max() <= 1
    assert simple(30, 1000)[2] == trailing(30, 1000)[2] + 1


def test_lcm_equals_diffusers_for_every_step_count():
    scheduler = diffusers.LCMScheduler(**SD15)
    for steps in range(1, 51):
        scheduler.set_timesteps(steps)
        assert lcm(steps, 1000).tolist() == scheduler.timesteps.tolist(), steps
    assert lcm(4, 1000).tolist() == [999, 759, 499, 259]
    with pytest.raises(SamplingError, match="has 50 timesteps, so 51 steps are too many"):
        lcm(51, 1000)
    assert lcm(20, 20).tolist() == list(range(19, -1, -1))


def test_thirty_leading_steps_start_at_958():
    assert leading(30, 1000)[0] == 958
    assert leading(25, 1000).tolist() == list(range(961, 0, -40))


def test_curves_are_even_in_their_own_scale():
    power, log = karras(20, 14.6, 0.03) ** (1 / 7), exponential(20, 14.6, 0.03).log()
    for scale in (power, log):
        assert torch.allclose(scale.diff(), scale.diff()[:1], rtol=1e-9)
    for curve in (karras, exponential):
        assert curve(20, 14.6, 0.03)[[0, -1]].tolist() == pytest.approx([14.6, 0.03])
        assert curve(1, 14.6, 0.03).tolist() == pytest.approx([14.6])
