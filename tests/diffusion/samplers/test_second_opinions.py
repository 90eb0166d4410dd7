"""Samplers that diffusers lacks, or has only with packages that not everybody installs, against a second writing."""

from math import inf, log

import pytest
import torch
from tests.diffusion.samplers import second_opinions

from garasu.diffusion import SAMPLERS, Schedule

NAMES = ("lms", "dpmpp_2s_a", "dpmpp_sde", "dpmpp_3m_sde", "restart")
SCHEDULE = Schedule.scaled_linear()


class Draws:
    """The same noise for everybody who begins to draw."""

    def __init__(self) -> None:
        self.generator = torch.Generator().manual_seed(5)

    def __call__(self) -> torch.Tensor:
        return torch.randn(2, 3, 4, 5, generator=self.generator, dtype=torch.float64)


def answer(x: torch.Tensor, level: float) -> torch.Tensor:
    """Some x0, nonlinear in x, in its neighbours and in the level."""
    return torch.tanh(1.3 * x / (1 + level) + log(level) / 3) + 0.3 * torch.roll(x, 1, -1) / (1 + level**2)


def ours(name: str, sigmas: torch.Tensor) -> list[tuple[float, torch.Tensor]]:
    """(level, x) of every question, and of the end."""
    draw, asked = Draws(), []
    questions = SAMPLERS[name].run(sigmas, draw() * sigmas[0], draw)
    x, sigma = next(questions)
    while True:
        asked.append((sigma, x))
        try:
            x, sigma = questions.send((x, answer(x, sigma)))
        except StopIteration as end:
            return [*asked, (0.0, end.value)]


def theirs(name: str, sigmas: torch.Tensor) -> list[tuple[float, torch.Tensor]]:
    draw, asked = Draws(), []

    def model(x, lam):
        level = second_opinions.sigma(lam) / second_opinions.alpha(lam)
        asked.append((level, x / second_opinions.alpha(lam)))
        return answer(asked[-1][1], level)

    lambdas = [-log(sigma) if sigma > 0 else inf for sigma in sigmas.tolist()]
    x = draw() * second_opinions.sigma(lambdas[0])
    end = getattr(second_opinions, name)(lambdas, x, model, draw)
    return [*asked, (0.0, end)]


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("spacing", ["linspace", "karras", "trailing"])
@pytest.mark.parametrize("name", NAMES)
def test_every_latent_is_that_of_the_second_writing(name, spacing, steps):
    sigmas = SCHEDULE.spaced(steps, spacing)
    run, expected = ours(name, sigmas), theirs(name, sigmas)
    assert len(run) == len(expected)
    for (level, x), (expected_level, expected_x) in zip(run, expected, strict=True):
        assert level == pytest.approx(expected_level, rel=1e-9)
        assert torch.allclose(x, expected_x, rtol=1e-7, atol=1e-7)


def test_restart_walks_the_levels_between_2_and_a_tenth_twice():
    sigmas = SCHEDULE.spaced(7, "karras")
    tops = [round(sigma, 3) for sigma in sigmas.tolist()]
    assert (tops[3], tops[5]) == (1.274, 0.13)  # the first below 2 and the last above 0.1
    twice = [level for level in tops for _ in range(2)]  # Heun asks at both ends of a step
    expected = twice[1:11] + twice[7:14] + [0]
    assert [round(level, 3) for level, _ in ours("restart", sigmas)] == expected
