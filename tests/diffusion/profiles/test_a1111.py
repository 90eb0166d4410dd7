"""A1111's grids in closed form, and both of its loops stated slowly."""

from itertools import pairwise

import pytest
import torch
from tests.diffusion.profiles.loops import (
    ALPHAS,
    MASK,
    NOISE,
    PICTURE,
    SCHEDULE,
    ddim_step,
    denoised,
    eps,
    mixed,
    noised,
    ours,
)

from garasu.diffusion import SamplingError, Schedule, find_sampler
from garasu.diffusion.profiles import find_profile
from garasu.diffusion.profiles.a1111 import AUTOMATIC, DISCARD

A1111 = find_profile("a1111")
UNIFORM = [14.61464, 7.83988, 4.60917, 2.91831, 1.95016, 1.34493, 0.93236, 0.62498, 0.36866, 0.02917, 0]
KARRAS = [14.61464, 9.10293, 5.47839, 3.1686, 1.74942, 0.91407, 0.44692, 0.2014, 0.08191, 0.02917, 0]
SIMPLE = [14.61464, 8.3028, 5.08776, 3.32108, 2.27646, 1.61289, 1.16058, 0.82986, 0.56928, 0.34167, 0]


def levels(sampler: str, steps: int, spacing: str | None = None, *, discard: bool = False) -> list[float]:
    return A1111.levels(find_sampler(sampler), SCHEDULE, steps, spacing, discard).tolist()


def grid(steps: int) -> list[int]:
    return [min(t + 1, 999) for t in range(0, 1000, 1000 // steps)]


def theirs_by_timestep(steps: int, strength: float | None = None, *, masked: bool = False) -> torch.Tensor:
    timesteps = grid(steps)
    if strength is None:
        x = NOISE
    else:
        count = int(min(strength, 0.999) * steps)
        x, timesteps = noised(ALPHAS[timesteps[count]], NOISE), timesteps[:count]
    for t, before in zip(timesteps[:0:-1], timesteps[-2::-1], strict=True):
        seen = mixed(x, PICTURE) if masked else x  # without any noise, and the step is one of x itself
        x = ddim_step(x, eps(seen, t), ALPHAS[t], ALPHAS[before])
    return mixed(x, PICTURE) if masked else x


def theirs_by_sigma(steps: int, strength: float | None = None, *, masked: bool = False) -> torch.Tensor:
    """Euler's, on its uniform grid: log σ is linear between trained timesteps."""
    timesteps = torch.arange(steps - 1, -1, -1, dtype=torch.float64) * 999 / (steps - 1)
    sigmas = [*SCHEDULE.sigma(timesteps).tolist(), 0.0]
    if strength is None:
        x = NOISE * sigmas[0]
    else:
        sigmas = sigmas[steps - int(min(strength, 0.999) * steps) - 1 :]
        x = PICTURE + NOISE * sigmas[0]
    for sigma, after in pairwise(sigmas):
        clean = denoised(x, torch.tensor(sigma, dtype=torch.float64))
        clean = mixed(clean, PICTURE) if masked else clean
        x = x + (x - clean) / sigma * (after - sigma)
    return mixed(x, PICTURE) if masked else x


THEIRS = {"ddim": theirs_by_timestep, "euler": theirs_by_sigma}


@pytest.mark.parametrize("steps", [2, 10, 27, 30])
@pytest.mark.parametrize("sampler", THEIRS)
def test_txt2img_is_its_loop(sampler, steps):
    assert (ours("a1111", sampler, steps) - THEIRS[sampler](steps)).abs().max() < 1e-9


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("steps", "strength"), [(10, 0.3), (20, 0.75), (30, 0.5), (27, 1.0)])
@pytest.mark.parametrize("sampler", THEIRS)
def test_img2img_is_its_loop(sampler, steps, strength, masked):
    made = ours("a1111", sampler, steps, strength, masked=masked)
    assert (made - THEIRS[sampler](steps, strength, masked=masked)).abs().max() < 1e-9
    if masked:
        kept = (MASK == 0).expand_as(made)
        assert torch.allclose(made[kept], PICTURE.expand_as(made)[kept], atol=1e-12)


@pytest.mark.parametrize("steps", [2, 20, 27, 30, 333, 999])
def test_timesteps_end_at_the_lowest_and_stay_trained(steps):
    sigmas = levels("ddim", steps)
    assert sigmas == [float(SCHEDULE.sigmas[t]) for t in reversed(grid(steps))]
    assert sigmas[-1] == float(SCHEDULE.sigmas[1])
    assert levels("plms", steps) == sigmas


def test_the_grids_of_k_diffusion():
    for spacing, known in (("linspace", UNIFORM), ("karras", KARRAS), ("simple", SIMPLE)):
        assert levels("euler", 10, spacing) == pytest.approx(known, abs=1e-5)
    sgm = [float(SCHEDULE.sigma(999 * (1 - i / 10))) for i in range(10)] + [0]
    assert levels("euler", 10, "sgm_uniform") == pytest.approx(sgm)
    assert levels("euler", 30, "leading")[:-1] == SCHEDULE.sigmas[1:1000:33].flip(0).tolist(), "31 levels for 30 steps"


def test_automatic_is_the_samplers_own():
    for sampler, spacing in AUTOMATIC.items():
        assert levels(sampler, 12) == levels(sampler, 12, spacing)
    assert levels("euler", 10) == pytest.approx(UNIFORM, abs=1e-5)
    assert levels("dpmpp_2m", 10) == pytest.approx(KARRAS, abs=1e-5)


def test_the_penultimate_level_is_left_out_where_it_is_always_and_where_asked():
    for sampler in AUTOMATIC:
        long = levels("euler", 11, AUTOMATIC[sampler])
        without = [*long[:-2], long[-1]]
        assert levels(sampler, 10, discard=True) == without
        assert (levels(sampler, 10) == without) == (sampler in DISCARD)
    assert levels("ddim", 20, discard=True) == levels("ddim", 21), "by timestep it only lays out one more"


@pytest.mark.parametrize("steps", [10, 20, 25, 30])
def test_strengths_are_counted_in_two_ways(steps):
    for percent in range(1, 101):
        strength = percent / 100
        count = int(min(strength, 0.999) * steps)
        walk = A1111.walk(find_sampler("euler_a"), SCHEDULE, steps, None, strength)
        assert len(walk) == count + 1
        assert walk.noised == walk.sigmas[0]
        if count < 2:
            with pytest.raises(SamplingError, match=r"skips the last; take 0\.\d+ or more, or more steps"):
                A1111.walk(find_sampler("ddim"), SCHEDULE, steps, None, strength)
            continue
        walk = A1111.walk(find_sampler("ddim"), SCHEDULE, steps, None, strength)
        assert len(walk) == count - 1
        assert walk.noised == float(SCHEDULE.sigmas[grid(steps)[count]])
        assert float(walk.sigmas[0]) == float(SCHEDULE.sigmas[grid(steps)[count - 1]])


@pytest.mark.parametrize("strength", [0.1, 0.25, 0.7, 0.999, 1.0])
def test_hires_fix_runs_exactly_its_steps(strength):
    for steps in (8, 20, 25):
        finer, part = A1111.second_pass(steps, strength)
        assert finer == int(steps / min(strength, 0.999))
        assert len(A1111.walk(find_sampler("euler"), SCHEDULE, finer, None, part)) == steps


def test_what_it_has_not_is_refused():
    for arguments, sentence in (
        (("unipc", None), "no 'unipc' as A1111 has it: take one of ddim, plms, euler"),
        (("ddim", "karras"), "ddim has a grid of its own, not 'karras': leave spacing out"),
        (("euler", "trailing"), "no spacing 'trailing': take one of leading, linspace"),
    ):
        with pytest.raises(SamplingError, match=sentence):
            A1111.check(*arguments)
    with pytest.raises(SamplingError, match="take more than 1"):
        levels("ddim", 1)
    with pytest.raises(SamplingError, match="steps must be a whole number from 1 to 999, got 0"):
        levels("euler", 0)


@pytest.mark.parametrize(("steps", "enough"), [(2, "take 3 steps or more."), (10, "take 0.2 or more, or more steps.")])
def test_a_strength_that_leaves_no_step_says_what_would(steps, enough):
    profile, kind, schedule = find_profile("a1111"), find_sampler("ddim"), Schedule.scaled_linear()
    strength = 1.0 if steps == 2 else 0.15
    with pytest.raises(SamplingError, match=enough):
        profile.walk(kind, schedule, steps, None, strength, discard=False)
    steps, strength = (3, 1.0) if steps == 2 else (10, 0.2)
    assert len(profile.walk(kind, schedule, steps, None, strength, discard=False).sigmas) == 2
