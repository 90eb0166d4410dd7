import pytest
import torch

from garasu.diffusion import SamplingError, Schedule
from garasu.diffusion.reuse import refreshed
from garasu.diffusion.samplers import SAMPLERS
from garasu.diffusion.steps import drive

SCHEDULE = Schedule.scaled_linear()
X = torch.zeros(1, 1, 1, 1)


def walk(name: str, every: int, steps: int = 9) -> list[tuple[float, bool]]:
    """Each question's level, and whether what was kept was forgotten before it."""
    sampler, asked, forgotten = SAMPLERS[name], [], []
    sigmas = sampler.sigmas(SCHEDULE, steps)

    def denoise(x, sigma):
        asked.append((float(sigma), bool(forgotten)))
        forgotten.clear()
        return x * 0

    answer = refreshed(denoise, lambda: forgotten.append(True), sigmas, every)
    list(drive(sampler.run(sigmas, X, lambda: X), answer, total=sampler.evaluations(sigmas)))
    return asked


@pytest.mark.parametrize("name", ["ddim", "euler", "dpmpp_2m"])
@pytest.mark.parametrize("every", [1, 2, 3, 20])
def test_every_so_many_steps_begins_with_a_refresh(name, every):
    assert [fresh for _, fresh in walk(name, every)] == [index % every == 0 for index in range(9)]


@pytest.mark.parametrize("name", ["heun", "dpm2", "dpmpp_sde", "dpmpp_2s_a"])
def test_samplers_that_ask_twice_refresh_no_more_often(name):
    asked = walk(name, 3)
    assert len(asked) > 9
    assert sum(fresh for _, fresh in asked) == 3


def test_going_back_up_is_a_refresh_there():
    asked = walk("restart", 3, steps=40)
    up = [index for index in range(1, len(asked)) if asked[index][0] > 1.5 * asked[index - 1][0]]
    assert up
    assert all(asked[index][1] for index in up)


@pytest.mark.parametrize("every", [0, -1, 1.5, True])
def test_other_numbers_are_refused(every):
    with pytest.raises(SamplingError, match="whole number of steps, 1 or more"):
        refreshed(lambda x, sigma: x, lambda: None, torch.tensor([1.0, 0.0]), every)
