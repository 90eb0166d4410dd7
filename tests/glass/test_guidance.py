"""What guidance does, in numbers that can be known beforehand."""

import pytest
import torch
from tests.glass.recorded import recorded

from garasu.glass.guidance import angles, evenly, guidance_report
from garasu.glass.record.errors import RecordError


@pytest.fixture(scope="module")
def kept(tiny, tmp_path_factory):
    return recorded(tiny, tmp_path_factory.mktemp("guidance"), count=2)


def test_angles_are_those_of_geometry():
    a = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    b = torch.tensor([[0.0, 5.0], [-3.0, 0.0], [1.0, 1.0], [1.0, 1e-4]])
    assert angles(a, b).tolist() == pytest.approx([90, 180, 45, 0.0057296], rel=1e-4)


def test_norms_and_maps_are_of_what_the_two_predictions_differ_by(kept):
    report = guidance_report(kept.walks[0], picture=1)
    assert report.label == "seed 8"
    assert report.steps == (0, 1, 2, 3)
    for step in report.steps:
        difference = kept.eps_prompt[step][1] - kept.eps_negative[step][1]
        torch.testing.assert_close(report.norm[step], difference.square().mean().sqrt())
        torch.testing.assert_close(report.maps[step].square(), difference.square().sum(0))
        cosine = torch.cosine_similarity(difference.flatten(), kept.eps_negative[step][1].flatten(), dim=0)
        torch.testing.assert_close(torch.cos(torch.deg2rad(report.across[step])), cosine, atol=1e-5, rtol=0)


def test_the_two_clean_latents_differ_by_what_the_scale_adds(kept):
    """x0 guided = x0⁻ + s·(x0⁺ − x0⁻), so guided − alone is −σ·(s − 1)·(ε_c − ε_u)."""
    report = guidance_report(kept.walks[0])
    for step, sigma in enumerate(report.sigma):
        added = -sigma * (5 - 1) * kept.difference[step][0]
        torch.testing.assert_close(report.x0_guided[step] - report.x0_alone[step], added, atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(report.x0_alone[step], kept.x0_prompt[step][0])


def test_a_part_is_set_against_the_negative_prompt(tiny, tmp_path):
    walk = recorded(tiny, tmp_path, prompt="cat AND dog").walks[0]
    report = guidance_report(walk, side="prompt part 1")
    difference = walk.said("prompt part 1")[2][0] - walk.said("negative")[2][0]
    torch.testing.assert_close(report.norm[2], difference.square().mean().sqrt())
    with pytest.raises(RecordError, match="no side 'prompt': name one of negative, prompt part 0, prompt part 1"):
        guidance_report(walk)


def test_what_is_not_there_is_refused(tiny, kept, tmp_path):
    with pytest.raises(RecordError, match="had no guidance"):
        guidance_report(recorded(tiny, tmp_path, guidance_scale=1).walks[0])
    with pytest.raises(RecordError, match="there is no row 5"):
        guidance_report(kept.walks[0], picture=5)
    with pytest.raises(RecordError, match="no guided step 9: those kept are 0, 1, 2, 3"):
        guidance_report(kept.walks[0]).at(9)


def test_steps_are_spread_evenly():
    assert evenly(range(25), 8) == [0, 3, 7, 10, 14, 17, 21, 24]
    assert evenly((0, 5, 10), 8) == [0, 5, 10]
