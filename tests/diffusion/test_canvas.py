"""A picture to start from, without a network: which levels are walked, what is kept, and the closed forms."""

import pytest
import torch
from tests.diffusion.gaussian import Gaussian, finish

from garasu.diffusion import Schedule, find_sampler
from garasu.diffusion.canvas import Canvas, least, steps_left
from garasu.diffusion.errors import SamplingError
from garasu.diffusion.profiles import find_profile

DIFFUSERS = find_profile("diffusers")
PICTURE = torch.randn(1, 2, 6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
NOISE = torch.randn(3, 2, 6, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
LEFT = torch.cat([torch.ones(1, 1, 6, 2), torch.zeros(1, 1, 6, 2)], dim=3).double()  # paint the left half


def walked(canvas: Canvas, denoise, sampler: str = "euler", steps: int = 12) -> tuple[torch.Tensor, list]:
    """The finished latent, and every (x, σ) that the denoiser was asked about."""
    kind, asked = find_sampler(sampler), []
    sigmas = DIFFUSERS.walk(kind, Schedule.scaled_linear(), steps, None, canvas.strength).sigmas
    x = canvas.begin(NOISE, float(sigmas[0]))
    x = NOISE * float(sigmas[0]) if x is None else x
    draws = torch.Generator().manual_seed(2)
    questions = kind.run(sigmas, x, lambda: torch.randn(x.shape, generator=draws, dtype=x.dtype))
    last = float(sigmas[-1])

    def watched(x, sigma):
        asked.append((x, float(sigma)))
        return canvas.answered(denoise)(x, sigma)

    draw = torch.Generator().manual_seed(3)
    fresh = canvas.keep(questions, NOISE, last, lambda: torch.randn(x.shape, generator=draw, dtype=x.dtype))
    return finish(fresh, watched) / (1 + last**2) ** 0.5, asked


@pytest.mark.parametrize(
    ("strength", "steps", "left"), [(0.834, 30, 25), (0.84, 30, 25), (1, 7, 7), (0.5, 5, 2), (0.04, 25, 1)]
)
def test_a_strength_is_a_number_of_steps(strength, steps, left):
    assert steps_left(strength, steps) == left
    sigmas = torch.arange(steps, -1, -1.0)
    walk = DIFFUSERS.part(sigmas, steps, strength, find_sampler("ddim"))
    assert torch.equal(walk.sigmas, torch.arange(left, -1, -1.0))


def test_strengths_that_cannot_be_are_refused():
    for strength in (0, -0.5, 1.5, float("nan")):
        with pytest.raises(SamplingError, match="strength must be more than 0 and at most 1"):
            Canvas(PICTURE, strength)
    with pytest.raises(SamplingError, match=r"0\.03 leaves none of 25 steps; take 0\.04 or more, or more steps"):
        steps_left(0.03, 25)
    with pytest.raises(SamplingError, match="no blend 'x1': did you mean 'x0'"):
        Canvas(PICTURE, blend="x1")


def test_the_strength_that_is_named_leaves_a_step():
    for steps in range(1, 1001):
        named = float(least(1, steps))
        assert steps_left(named, steps) >= 1
        assert steps < 3 or int(float(least(2, steps)) * steps) >= 2
        assert named == 0.001 or int((named - 0.001) * steps) == 0


def test_a_run_begins_from_the_picture_under_noise():
    _, asked = walked(Canvas(PICTURE, 0.5), lambda x, sigma: 0 * x)
    x, sigma = asked[0]
    assert len(asked) == 6
    assert torch.allclose(x, PICTURE + sigma * NOISE, rtol=0, atol=1e-12)


def test_a_denoiser_that_knows_the_picture_gives_it_back():
    """The exact denoiser of one picture answers with it, whatever the strength."""
    for strength in (0.1, 0.6, 1.0):
        finished, _ = walked(Canvas(PICTURE, strength), lambda x, sigma: PICTURE.expand_as(x))
        assert torch.allclose(finished, PICTURE.expand_as(finished), atol=1e-12)


def test_the_exact_flow_of_gaussian_data_carries_the_noised_picture():
    data = Gaussian(mu=0.7, s=0.5)
    finished, asked = walked(Canvas(PICTURE, 0.6), data.denoise, sampler="heun", steps=400)
    x, sigma = asked[0]
    before = asked[-1][1]  # the last step, to 0, gives the denoiser's answer
    exact = data.denoise(data.flow(x, sigma, before), torch.tensor(before))
    assert (finished - exact).abs().max() < 2e-4


@pytest.mark.parametrize("sampler", ["euler", "euler_a", "heun", "dpmpp_2m", "ddim"])
@pytest.mark.parametrize("blend", ["latent", "x0", "fresh", "clean"])
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_what_the_mask_keeps_is_the_pictures(sampler, blend, strength):
    finished, _ = walked(Canvas(PICTURE, strength, LEFT, blend), lambda x, sigma: 0 * x + 3, sampler)
    assert torch.allclose(finished[..., 2:], PICTURE[..., 2:].expand(3, -1, -1, -1), atol=1e-12)
    assert (finished[..., :2] - PICTURE[..., :2]).abs().min() > 0.01


def test_between_steps_the_kept_part_is_the_picture_under_the_same_noise():
    _, asked = walked(Canvas(PICTURE, 0.5, LEFT), lambda x, sigma: 0 * x + 3)
    for x, sigma in asked:
        assert torch.allclose(x[..., 2:], (PICTURE + sigma * NOISE)[..., 2:], atol=1e-12)


def test_answers_of_the_kept_part_are_the_picture():
    canvas = Canvas(PICTURE, 0.5, LEFT, "x0")
    answer = canvas.answered(lambda x, sigma: 0 * x + 3)(NOISE, torch.tensor(1.0))
    assert torch.equal(answer[..., 2:], PICTURE[..., 2:].expand(3, -1, -1, -1))
    assert (answer[..., :2] == 3).all()


def test_fresh_noise_is_another_before_every_question():
    _, asked = walked(Canvas(PICTURE, 0.5, LEFT, "fresh"), lambda x, sigma: 0 * x + 3)
    noises = torch.stack([((x - PICTURE) / sigma)[..., 2:].flatten() for x, sigma in asked])
    assert (torch.corrcoef(noises) - torch.eye(len(asked))).abs().max() < 0.5
    assert torch.corrcoef(torch.stack([noises[0], NOISE[..., 2:].flatten()]))[0, 1].abs() < 0.5


def test_the_denoiser_can_be_shown_the_clean_picture_and_only_its_noise_is_taken_off():
    seen = []

    def denoise(x, sigma):
        seen.append(x)
        return x - float(sigma) * 0.5  # it finds half a unit of noise everywhere

    answer = Canvas(PICTURE, 0.5, LEFT, "clean").answered(denoise)(NOISE, torch.tensor(2.0))
    assert torch.allclose(seen[0][..., 2:], (PICTURE * 5**0.5)[..., 2:].expand(3, -1, -1, -1))
    assert torch.equal(seen[0][..., :2], NOISE[..., :2])
    assert torch.allclose(answer, NOISE - 1)


def test_a_picture_taken_for_another_level_keeps_its_size():
    canvas = Canvas(PICTURE, 0.5)
    at_unit_variance = (PICTURE + 5 * NOISE) / 26**0.5
    assert torch.allclose(canvas.under(NOISE, 5, 3) / 10**0.5, at_unit_variance)
    assert torch.equal(canvas.under(NOISE, 5, 5), canvas.begin(NOISE, 5))


def test_a_soft_mask_mixes():
    finished, _ = walked(Canvas(PICTURE, 1.0, 0.25 * torch.ones(1, 1, 6, 4).double()), lambda x, sigma: 0 * x + 3)
    assert torch.allclose(finished, 0.75 * PICTURE + 0.25 * torch.full_like(finished, 3.0), atol=1e-9)


def test_at_full_strength_with_a_mask_nothing_of_the_picture_shows_through():
    assert Canvas(PICTURE, 1.0, LEFT).begin(NOISE, 14.6) is None
    assert Canvas(PICTURE, 1.0).begin(NOISE, 14.6) is not None
