"""Guidance over a walk, with networks and conditionings that are written out here."""

import pytest
import torch

from garasu.diffusion.clock import ByLevel
from garasu.diffusion.errors import SamplingError
from garasu.prompts.guidance import Guidance

CAT, DOG, NOTHING = (torch.full((1, 4, 3), value) for value in (2.0, 1.0, 0.0))
SIGMAS = torch.tensor([4.0, 3.0, 2.0, 1.0, 0.0], dtype=torch.float64)


def denoiser(x, sigma, context):
    """Believes in its conditioning's number."""
    return context[:, 0, 0].reshape(-1, 1, 1, 1).expand_as(x)


def answers(guidance, stretches):
    """What is answered at each level."""
    denoise = guidance.over(denoiser, stretches, SIGMAS, ByLevel(SIGMAS))
    return [denoise(torch.zeros(1, 4, 2, 2), sigma)[0, 0, 0, 0].item() for sigma in SIGMAS[:-1]]


def stretches(guidance, negative=None):
    return guidance.stretches(CAT, negative, 4, lambda: NOTHING)


def test_what_is_avoided_is_the_empty_prompt_where_nothing_is_said():
    guidance = Guidance(3.0)
    assert torch.equal(stretches(guidance)[0].negative, NOTHING)
    assert answers(guidance, stretches(guidance)) == [6.0] * 4
    assert answers(guidance, stretches(guidance, DOG)) == [4.0] * 4


@pytest.mark.parametrize("guidance", [Guidance(1), Guidance(7.5, told=True)])
def test_nothing_is_avoided_where_that_makes_no_difference(guidance):
    def never():
        raise AssertionError("the empty prompt was encoded")

    (one,) = guidance.stretches(CAT, None, 4, never)
    assert one.negative is None
    assert answers(guidance, [one]) == [2.0] * 4


def test_a_part_of_the_walk_is_guided():
    guidance = Guidance(3.0, 0.25, 0.75)
    assert answers(guidance, stretches(guidance)) == [2.0, 6.0, 6.0, 2.0]
    with pytest.raises(SamplingError, match="start before it ends"):
        Guidance(3.0, 0.75, 0.25).over(denoiser, stretches(guidance), SIGMAS, ByLevel(SIGMAS))


def test_each_row_has_its_own_scale():
    guidance = Guidance(torch.tensor([1.0, 3.0]))
    denoise = guidance.over(denoiser, stretches(guidance, DOG), SIGMAS, ByLevel(SIGMAS))
    assert denoise(torch.zeros(2, 4, 2, 2), SIGMAS[0])[:, 0, 0, 0].tolist() == [2.0, 4.0]
