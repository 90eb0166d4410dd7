"""Paths: read from records, and brought to common noise levels."""

import numpy as np
import pytest
import torch
from tests.glass.paths.flows import SIGMA, path

from garasu.glass.paths.errors import PathError
from garasu.glass.paths.path import aligned, last_visits, paths_of
from garasu.glass.record.options import RecordOptions
from garasu.glass.record.recording import record
from garasu.tasks.txt2img import Txt2Img

NO_PANES = RecordOptions(panes=("none",))


def test_a_record_has_a_path_for_each_picture(tiny, tmp_path):
    kept = record(tiny, Txt2Img(prompt="a cat", seed=3, steps=4, count=2), tmp_path / "run", NO_PANES)
    first, second = paths_of(kept)
    assert [first.label, second.label] == ["run 1", "run 2"]
    assert first.sigma == kept.sigma
    assert torch.equal(second.latent, kept.latent.stacked()[:, 1])
    assert torch.equal(second.x0, kept.x0.stacked()[:, 1])
    assert torch.equal(second.finished, kept.finished[1])
    (alone,) = paths_of(kept, 1, "another name")
    assert alone.label == "another name 2"
    assert torch.equal(alone.x0, second.x0)
    with pytest.raises(PathError, match=r"no picture 3 in .*run: it has 2"):
        paths_of(kept, 2)


def test_a_level_counts_as_it_was_left(tiny, tmp_path):
    kept = record(tiny, Txt2Img(prompt="a cat", seed=3, steps=4, sampler="heun"), tmp_path / "run", NO_PANES)
    (one,) = paths_of(kept)
    assert len(kept.sigma) == 7
    assert one.sigma == tuple(dict.fromkeys(kept.sigma))
    assert torch.equal(one.x0[1], kept.x0[2][0])  # the second of the two evaluations at the second level
    assert last_visits([3, 2, 2, 1]) == [0, 2, 3]
    assert last_visits([5, 3, 1, 4, 2, 0.5]) == [0, 3, 4, 5]  # a restart goes up again


def test_latents_in_the_networks_scale():
    one = path(0.0, latent=lambda sigma: (1 + sigma**2) ** 0.5)
    assert torch.allclose(one.scaled, torch.ones_like(one.scaled))


def test_the_same_levels_stay_as_they_are():
    some = [path(1.0), path(2.0)]
    assert aligned(some) == some


def test_between_steps_latents_are_straight_over_sigma_and_x0_over_its_logarithm():
    few, many = [8.0, 2.0, 0.5], [9.0, 4.0, 1.0, 0.25]
    one = path(np.log, latent=lambda sigma: 3 * sigma, sigma=few)
    other = path(np.log, latent=lambda sigma: 3 * sigma, sigma=many)
    for found in aligned([one, other]):
        assert found.sigma == (8.0, 2.0, 0.5)
        assert torch.allclose(found.x0[:, 0, 0, 0], torch.tensor(few).log(), atol=1e-6)
        assert torch.allclose(found.latent[:, 0, 0, 0], 3 * torch.tensor(few), atol=1e-5)


def test_levels_that_one_run_does_not_reach_are_left_out():

    with pytest.raises(PathError, match="no two noise levels in common"):
        aligned([path(1.0, sigma=[4, 2]), path(1.0, sigma=[1, 0.5])])
    assert aligned([path(1.0, sigma=[20, 8, 2, 0.2]), path(1.0, sigma=SIGMA)])[1].sigma == (8, 2, 0.2)


def test_one_run_and_several_sizes_are_refused():
    with pytest.raises(PathError, match="fewer than two runs"):
        aligned([path(1.0)])
    other = path(1.0)
    object.__setattr__(other, "finished", torch.zeros(1, 4, 4))
    with pytest.raises(PathError, match="1x2x2 and 1x4x4 cannot be compared"):
        aligned([path(1.0), other])
