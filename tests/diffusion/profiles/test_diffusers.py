"""diffusers' numbers are garasu's own: the profile adds nothing to them (tests/model/test_canvas.py has the parity)."""

import pytest
import torch
from tests.diffusion.profiles.loops import NOISE, PICTURE, SCHEDULE

from garasu.diffusion import SAMPLERS, find_sampler, start
from garasu.diffusion.canvas import Canvas, steps_left
from garasu.diffusion.profiles import find_profile

DIFFUSERS = find_profile("diffusers")


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_levels_and_strengths_are_the_samplers_own(sampler):
    kind = find_sampler(sampler)
    sigmas = kind.sigmas(SCHEDULE, 20)
    assert torch.equal(DIFFUSERS.walk(kind, SCHEDULE, 20).sigmas, sigmas)
    for percent in range(5, 101):
        walk = DIFFUSERS.walk(kind, SCHEDULE, 20, None, percent / 100)
        assert torch.equal(walk.sigmas, sigmas[20 - steps_left(percent / 100, 20) :])
        assert walk.noised == walk.sigmas[0]


def test_a_run_begins_from_the_picture_or_from_noise():
    kind = find_sampler("ddim")
    walk = DIFFUSERS.walk(kind, SCHEDULE, 20, None, 1.0)
    top = float(walk.sigmas[0])
    alone = start(kind, NOISE, top)
    assert torch.equal(DIFFUSERS.first(kind, NOISE, walk, None, None), alone)
    assert torch.equal(DIFFUSERS.first(kind, NOISE, walk, Canvas(PICTURE, 1.0), None), PICTURE + top * NOISE)
    mask = torch.ones(1, 1, 6, 5)
    assert torch.equal(DIFFUSERS.first(kind, NOISE, walk, Canvas(PICTURE, 1.0, mask), None), alone)


def test_the_penultimate_level_is_left_out_where_asked():
    for sampler in ("ddim", "euler", "dpmpp_2m"):
        long = find_sampler(sampler).sigmas(SCHEDULE, 13)
        walk = DIFFUSERS.walk(find_sampler(sampler), SCHEDULE, 12, discard=True)
        assert walk.sigmas.tolist() == [*long[:-2].tolist(), float(long[-1])]
        assert len(walk) == 12
