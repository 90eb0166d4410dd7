import pytest
import torch

from garasu.diffusion import Denoiser, SamplingError, Schedule, guided
from garasu.diffusion.clock import ByLevel
from garasu.diffusion.guidance import Part, by_step, within
from garasu.diffusion.samplers import SAMPLERS
from garasu.diffusion.steps import drive
from garasu.panes import look

X = torch.randn(2, 4, 3, 5, generator=torch.Generator().manual_seed(0))
POSITIVE = torch.arange(1.0, 3.0).reshape(2, 1, 1) * torch.ones(2, 7, 6)  # row 0 all 1, row 1 all 2
NEGATIVE = POSITIVE + 10
SIGMA = torch.tensor(2.5, dtype=torch.float64)
SCHEDULE = Schedule.scaled_linear()


def network(x, t, context):
    """ε that depends on x, t and the words."""
    return torch.tanh(x + context.mean(dim=(1, 2)).reshape(-1, 1, 1, 1) / 9) + t.reshape(-1, 1, 1, 1) / 1000


class Counting:
    """A denoiser that keeps its calls."""

    def __init__(self) -> None:
        self.calls = []

    def __call__(self, x, sigma, context):
        self.calls.append((x, sigma, context))
        return x * context.mean(dim=(1, 2)).reshape(-1, 1, 1, 1)


@pytest.mark.parametrize("scale", [0.0, 0.5, 3.0, 7.5])
def test_equals_guidance_of_epsilon(scale):
    scaled, t = X / (1 + SIGMA**2).sqrt(), SCHEDULE.t(SIGMA).expand(2)
    away, towards = network(scaled, t, NEGATIVE), network(scaled, t, POSITIVE)
    expected = X - SIGMA * (away + scale * (towards - away))
    got = guided(Denoiser(network, SCHEDULE), POSITIVE, NEGATIVE, scale)(X, SIGMA)
    assert torch.allclose(got, expected.float(), atol=2e-5)


def test_one_call_with_the_negative_rows_first():
    counting = Counting()
    guided(counting, POSITIVE, NEGATIVE, 7.5)(X, SIGMA)
    ((x, sigma, context),) = counting.calls
    assert torch.equal(x, torch.cat([X, X]))
    assert sigma.ndim == 0
    assert context.mean(dim=(1, 2)).tolist() == [11, 12, 1, 2]


def test_scale_one_runs_the_prompt_alone():
    counting = Counting()
    x0 = guided(counting, POSITIVE, NEGATIVE, 1.0)(X, SIGMA)
    ((x, _, context),) = counting.calls
    assert torch.equal(x, X)
    assert context.mean(dim=(1, 2)).tolist() == [1, 2]
    assert torch.equal(guided(counting, POSITIVE, None, 1)(X, SIGMA), x0)


def test_scale_zero_is_the_negative_prompt():
    assert torch.equal(guided(Counting(), POSITIVE, NEGATIVE, 0)(X, SIGMA), Counting()(X, SIGMA, NEGATIVE))


def test_one_row_of_conditioning_serves_all_latents():
    once = guided(Counting(), POSITIVE[:1], NEGATIVE[1:], 4)(X, SIGMA)
    each = guided(Counting(), POSITIVE[:1].repeat(2, 1, 1), NEGATIVE[1:].repeat(2, 1, 1), 4)(X, SIGMA)
    assert torch.equal(once, each)


def test_rows_keep_their_own_noise_levels():
    sigmas = torch.tensor([0.5, 4.0])
    denoise = guided(Denoiser(network, SCHEDULE), POSITIVE, NEGATIVE, 3)
    alone = [
        guided(Denoiser(network, SCHEDULE), POSITIVE[row:][:1], NEGATIVE[row:][:1], 3)(X[row:][:1], sigmas[row])
        for row in range(2)
    ]
    assert torch.allclose(denoise(X, sigmas), torch.cat(alone), atol=1e-5)


@pytest.mark.parametrize(
    ("scale", "rows"), [(7.5, ("negative 0", "negative 1", "prompt 0", "prompt 1")), (1, ("prompt 0", "prompt 1"))]
)
def test_panes_know_the_rows(scale, rows):
    denoiser, seen = Denoiser(network, SCHEDULE), []
    with look(denoiser, {"x0": lambda value, at: seen.append((len(value), at.rows))}):
        guided(denoiser, POSITIVE, NEGATIVE, scale)(X, SIGMA)
    assert seen == [(len(rows), rows)]


def test_bad_conditionings_are_refused():
    with pytest.raises(SamplingError, match=r"7\.5 needs a negative conditioning"):
        guided(Counting(), POSITIVE, None, 7.5)
    with pytest.raises(SamplingError, match=r"\(7, 6\) and \(5, 6\); pad"):
        guided(Counting(), POSITIVE, NEGATIVE[:, :5], 7.5)
    with pytest.raises(SamplingError, match="2 latents need 1 or 2 rows of conditioning, got 3"):
        guided(Counting(), POSITIVE[:1].expand(3, -1, -1), NEGATIVE, 7.5)(X, SIGMA)


# Guidance in a part of the walk


def guided_levels(name: str, start: float, end: float, steps: int = 10) -> list[tuple[float, bool]]:
    """Each question's level, and whether it was guided."""
    sampler, asked = SAMPLERS[name], []
    sigmas = sampler.sigmas(SCHEDULE, steps)

    def denoise(is_guided: bool):
        return lambda x, sigma: (asked.append((float(sigma), is_guided)), x * 0)[1]

    answer = within(denoise(True), denoise(False), sigmas, start, end)
    total = sampler.evaluations(sigmas)
    list(drive(sampler.run(sigmas, X, lambda: X), answer, total=total))
    return asked


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(0, 1, range(10)), (0.2, 0.7, range(2, 7)), (0, 0.5, range(5)), (0.5, 1, range(5, 10)), (0.51, 0.54, ())],
)
def test_the_guided_part_is_counted_in_steps(start, end, expected):
    asked = guided_levels("euler", start, end)
    assert [index for index, (_, is_guided) in enumerate(asked) if is_guided] == list(expected)


@pytest.mark.parametrize("name", ["heun", "dpm2", "dpmpp_sde", "restart"])
def test_samplers_that_ask_twice_are_guided_by_level(name):
    sigmas = SAMPLERS[name].sigmas(SCHEDULE, 10)
    for sigma, is_guided in guided_levels(name, 0.2, 0.7):
        assert is_guided == (sigmas[7] < sigma <= sigmas[2])


@pytest.mark.parametrize(("start", "end"), [(0.5, 0.5), (0.8, 0.2), (-0.1, 1), (0, 1.1)])
def test_a_part_that_is_none_is_refused(start, end):
    with pytest.raises(SamplingError, match="must start before it ends, within 0 to 1"):
        within(lambda x, sigma: x, lambda x, sigma: x, torch.tensor([1.0, 0.0]), start, end)


# Several parts, scales of rows, and what changes on the way


def test_parts_are_composed_as_liu_et_al_write_it():
    other, weight = POSITIVE * 3, torch.tensor([0.7, -0.4])
    got = guided(Counting(), [Part(POSITIVE), Part(other, weight)], NEGATIVE, 4)(X, SIGMA)
    away, first, second = (Counting()(X, SIGMA, context) for context in (NEGATIVE, POSITIVE, other))
    expected = away + 4 * ((first - away) + weight.reshape(2, 1, 1, 1) * (second - away))
    assert torch.allclose(got, expected, atol=1e-5)


def test_all_parts_run_in_one_call_and_panes_know_them():
    denoiser, seen = Denoiser(network, SCHEDULE), []
    with look(denoiser, {"x0": lambda value, at: seen.append(at.rows)}):
        guided(denoiser, [Part(POSITIVE), Part(POSITIVE[:1], 0.5)], NEGATIVE, 3)(X, SIGMA)
    names = ("negative", "prompt part 0", "prompt part 1")
    assert seen == [tuple(f"{name} {row}" for name in names for row in range(2))]


def test_several_parts_at_scale_one_still_need_what_they_lead_away_from():
    parts = [Part(POSITIVE), Part(POSITIVE * 2)]
    with_negative = guided(Counting(), parts, NEGATIVE, 1)(X, SIGMA)
    away, first, second = (Counting()(X, SIGMA, context) for context in (NEGATIVE, POSITIVE, POSITIVE * 2))
    assert torch.allclose(with_negative, first + second - away, atol=1e-5)
    mean = guided(Counting(), [Part(POSITIVE, 3.0), Part(POSITIVE * 2, 1.0)], None, 1)(X, SIGMA)
    assert torch.allclose(mean, (3 * first + second) / 4, atol=1e-5)


def test_every_row_may_have_its_own_scale():
    got = guided(Counting(), POSITIVE, NEGATIVE, torch.tensor([1.0, 9.0]))(X, SIGMA)
    assert torch.allclose(got[:1], guided(Counting(), POSITIVE, NEGATIVE, 1)(X, SIGMA)[:1], atol=1e-5)
    assert torch.allclose(got[1:], guided(Counting(), POSITIVE, NEGATIVE, 9)(X, SIGMA)[1:], atol=1e-5)


def test_nothing_to_follow_is_refused():
    with pytest.raises(SamplingError, match="at least one conditioning"):
        guided(Counting(), [], NEGATIVE, 4)
    with pytest.raises(SamplingError, match="scale per row needs a negative"):
        guided(Counting(), POSITIVE, None, torch.tensor([1.0, 2.0]))


@pytest.mark.parametrize("name", ["euler", "heun", "dpm2", "restart", "dpmpp_2s_a"])
def test_each_denoiser_answers_up_to_its_step(name):
    sampler, asked = SAMPLERS[name], []
    sigmas = sampler.sigmas(SCHEDULE, 10)

    def denoise(label: str):
        return lambda x, sigma: (asked.append((float(sigma), label)), x * 0)[1]

    answer = by_step([(3, denoise("first")), (4, denoise("second")), (10, denoise("third"))], ByLevel(sigmas))
    list(drive(sampler.run(sigmas, X, lambda: X), answer, total=sampler.evaluations(sigmas)))
    for sigma, label in asked:
        expected = "first" if sigma > sigmas[3] else "second" if sigma > sigmas[4] else "third"
        assert label == expected
    assert {label for _, label in asked} == {"first", "second", "third"}
