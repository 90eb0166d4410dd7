"""CompVis's grid in closed form, and its loop stated slowly."""

import pytest
import torch
from tests.diffusion.profiles.loops import (
    ALPHAS,
    MASK,
    NOISE,
    PICTURE,
    SCHEDULE,
    Draws,
    ddim_step,
    eps,
    mixed,
    noised,
    ours,
)

from garasu.diffusion import SamplingError, Schedule, find_sampler
from garasu.diffusion.profiles import find_profile

COMPVIS = find_profile("compvis")
FAILS = {3, 9, 27, 36, 37, *range(101, 112), *range(251, 334), *range(501, 1001)}  # an index of 1000 in its tables


def theirs(steps: int, strength: float | None = None, *, masked: bool = False) -> torch.Tensor:
    grid, draw = [t + 1 for t in range(0, 1000, 1000 // steps)], Draws()
    count = len(grid) if strength is None else int(strength * steps)
    x = NOISE if strength is None else noised(ALPHAS[grid[count]], NOISE)
    for index in reversed(range(count)):
        alpha, before = ALPHAS[grid[index]], ALPHAS[grid[index - 1]] if index else ALPHAS[0]
        if masked:
            x = mixed(x, noised(alpha, draw()))
        x = ddim_step(x, eps(x, grid[index]), alpha, before)
    return mixed(x, PICTURE) if masked else x


@pytest.mark.parametrize("steps", [1, 2, 7, 10, 25, 30, 50, 77, 250, 334, 500])
def test_the_grid_is_every_so_many_timesteps_and_1_more(steps):
    grid = [t + 1 for t in range(0, 1000, 1000 // steps)]
    if grid[-1] == 1000:
        pytest.fail("choose steps that CompVis can do")
    sigmas = COMPVIS.levels(find_sampler("ddim"), SCHEDULE, steps, None, False)
    expected = [((1 - ALPHAS[t]) / ALPHAS[t]) ** 0.5 for t in [*reversed(grid), 0]]
    assert torch.allclose(sigmas, torch.tensor(expected, dtype=torch.float64), rtol=1e-12)


def test_a_grid_may_have_more_levels_than_steps():
    sigmas = COMPVIS.levels(find_sampler("ddim"), SCHEDULE, 30, None, False)
    assert len(sigmas) - 1 == 31
    assert float(SCHEDULE.t(sigmas[0])) == pytest.approx(991)


def test_where_its_tables_end_it_is_refused_and_the_next_number_of_steps_works():
    for steps in range(1, 1001):
        try:
            COMPVIS.levels(find_sampler("ddim"), SCHEDULE, steps, None, False)
        except SamplingError as problem:
            assert steps in FAILS
            sentence, _, named = str(problem).rstrip(".").rpartition(": take ")
            assert sentence == f"With {steps} steps CompVis asks for timestep 1000, which nobody trained, and fails"
            assert COMPVIS.levels(find_sampler("ddim"), SCHEDULE, int(named), None, False)[0] > 1
        else:
            assert steps not in FAILS


def test_on_divisors_of_1000_it_is_diffusers():
    kind = find_sampler("ddim")
    for steps in (10, 20, 25, 40, 50, 100):
        theirs = find_profile("diffusers").levels(kind, SCHEDULE, steps, None, False)
        assert torch.equal(COMPVIS.levels(kind, SCHEDULE, steps, None, False), theirs)


@pytest.mark.parametrize("steps", [10, 30])
def test_txt2img_is_its_loop(steps):
    assert (ours("compvis", "ddim", steps) - theirs(steps)).abs().max() < 1e-9


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("steps", "strength"), [(10, 0.3), (10, 0.75), (20, 0.95), (30, 0.5), (30, 1.0)])
def test_img2img_is_its_loop(steps, strength, masked):
    """With a mask the kept part is noised anew for each step; a soft edge is mixed at the end."""
    made = ours("compvis", "ddim", steps, strength, masked=masked)
    assert (made - theirs(steps, strength, masked=masked)).abs().max() < 1e-9
    if masked:
        kept = (MASK == 0).expand_as(made)
        assert torch.allclose(made[kept], PICTURE.expand_as(made)[kept], atol=1e-12)


@pytest.mark.parametrize("steps", [20, 25, 30, 50])
def test_strengths_leave_their_part_rounded_down(steps):
    kind, levels = find_sampler("ddim"), len(range(0, 1000, 1000 // steps))
    for percent in range(1, 101):
        strength = percent / 100
        count = int(strength * steps)
        if not count:
            with pytest.raises(SamplingError, match="leaves none"):
                COMPVIS.walk(kind, SCHEDULE, steps, None, strength)
        elif count == levels:
            with pytest.raises(SamplingError, match="at strength 1 there is none: take less than 1"):
                COMPVIS.walk(kind, SCHEDULE, steps, None, strength)
        else:
            walk = COMPVIS.walk(kind, SCHEDULE, steps, None, strength)
            assert len(walk) == count == COMPVIS.counted(strength, steps)
            stride = 1000 // steps
            assert float(SCHEDULE.t(walk.noised)) == pytest.approx(count * stride + 1)
            assert float(SCHEDULE.t(walk.sigmas[0])) == pytest.approx((count - 1) * stride + 1)


def test_what_it_has_not_is_refused():
    for arguments, knobs, sentence in (
        (("euler", None), {}, "CompVis has the samplers ddim and plms, not 'euler': take one of them"),
        (("ddim", "karras"), {}, "leave spacing out"),
        (("plms", None), {"picture": True}, "not with plms: take ddim"),
        (("ddim", None), {"discard": True}, "drop discard_penultimate"),
    ):
        with pytest.raises(SamplingError, match=sentence):
            COMPVIS.check(*arguments, **knobs)
    COMPVIS.check("plms", "leading")


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_one_step_has_no_level_above_it(strength):
    with pytest.raises(SamplingError, match="take 2 steps or more"):
        find_profile("compvis").walk(find_sampler("ddim"), Schedule.scaled_linear(), 1, None, strength, discard=False)
