"""The Fréchet distance against closed forms, and on towers that see what the test wants."""

import math
import random
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from garasu.images.convert import to_pictures
from garasu.training.evaluation import features
from garasu.training.evaluation.features import BUNDLED, OWN, Eye, eye_of
from garasu.training.evaluation.frechet import distance_to_drawings, frechet, gaussian
from garasu.training.evaluation.probe import draw
from garasu.training.evaluation.questions import ask
from garasu.world.scene import random_scene

# the formula


def covariance(size: int, seed: int) -> Tensor:
    root = torch.randn(size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return root @ root.T / size


def test_of_independent_values_it_is_a_sum_over_them() -> None:
    """Of Gaussians on a line it is (μ₁ − μ₂)² + (σ₁ − σ₂)²."""
    mean1, mean2 = torch.tensor([0.0, 1.0, -2.0]).double(), torch.tensor([3.0, 1.0, -2.5]).double()
    std1, std2 = torch.tensor([1.0, 2.0, 0.0]).double(), torch.tensor([1.5, 0.5, 4.0]).double()
    found = frechet((mean1, std1.square().diag()), (mean2, std2.square().diag()))
    assert found == pytest.approx(9 + 0.25 + 0.25 + 2.25 + 16)


def test_a_turn_of_both_changes_nothing() -> None:
    turn, _ = torch.linalg.qr(covariance(5, 3))
    (mean1, cov1), (mean2, cov2) = (
        (torch.ones(5).double(), covariance(5, 1)),
        (torch.zeros(5).double(), covariance(5, 2)),
    )
    turned = frechet((turn @ mean1, turn @ cov1 @ turn.T), (turn @ mean2, turn @ cov2 @ turn.T))
    assert turned == pytest.approx(frechet((mean1, cov1), (mean2, cov2)))


@pytest.mark.parametrize("size", [2, 16, 64])
def test_the_root_of_the_product_by_another_way(size: int) -> None:
    """C₁C₂ is not symmetric; its own eigenvalues, found without taking a root first, have the same roots."""
    nothing, cov1, cov2 = torch.zeros(size).double(), covariance(size, 1), covariance(size, 2)
    trace_of_root = torch.linalg.eigvals(cov1 @ cov2).sqrt().sum().real
    expected = float(cov1.trace() + cov2.trace() - 2 * trace_of_root)
    assert frechet((nothing, cov1), (nothing, cov2)) == pytest.approx(expected, rel=1e-6)
    assert frechet((nothing, cov2), (nothing, cov1)) == pytest.approx(expected, rel=1e-6)
    assert expected > 0.1


def test_of_samples_it_comes_near_that_of_their_gaussians() -> None:
    rng = torch.Generator().manual_seed(0)
    one = torch.randn(20000, 3, generator=rng, dtype=torch.float64)
    other = torch.randn(20000, 3, generator=rng, dtype=torch.float64) * torch.tensor([2.0, 1.0, 0.5]) + 1
    assert frechet(gaussian(one), gaussian(other)) == pytest.approx(3 + 1 + 0 + 0.25, rel=0.03)


def test_fewer_vectors_than_values_are_no_trouble() -> None:
    vectors = torch.randn(4, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert frechet(gaussian(vectors), gaussian(vectors)) == pytest.approx(0, abs=1e-5)  # roots of rounding errors
    mean, cov = gaussian(vectors)
    assert frechet((mean, cov), (mean + 1, cov)) == pytest.approx(32)


def test_half_as_many_vectors_are_about_twice_as_far() -> None:
    """Which is why the floor has the counts of the pictures."""
    rng = torch.Generator().manual_seed(0)
    reference = gaussian(torch.randn(4000, 16, generator=rng, dtype=torch.float64))
    few, many = (
        sum(frechet(gaussian(torch.randn(n, 16, generator=rng, dtype=torch.float64)), reference) for _ in range(20))
        for n in (100, 200)
    )
    assert 1.7 < few / many < 2.3


# pictures and drawings as vectors


class Colors(nn.Module):
    """A tower that sees the mean colours of a 2×2 grid."""

    config = SimpleNamespace(image_size=16)

    def __init__(self) -> None:
        super().__init__()
        self.class_embedding = nn.Parameter(torch.zeros(1))
        self.shapes = set[tuple[int, ...]]()

    def forward(self, pixels: Tensor) -> Tensor:
        self.shapes.add(tuple(pixels.shape))
        return nn.functional.adaptive_avg_pool2d(pixels, 2).flatten(1) + 1.5  # [B, 12]


def colors_eye() -> Eye:
    return Eye(Colors(), OWN, (24, 16))  # type: ignore[arg-type]


def test_vectors_have_length_1_and_the_order_of_the_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "ROWS", 4)
    eye, rng = colors_eye(), random.Random(0)
    scenes = [random_scene(rng) for _ in range(6)]
    drawn = eye.drawings(scenes, range(6))
    assert (drawn.shape, drawn.dtype) == ((6, 12), torch.float64)
    assert drawn.norm(dim=1).tolist() == pytest.approx([1.0] * 6)
    again = eye.pictures(to_pictures(draw(scenes, range(6), (24, 16))))
    assert torch.allclose(again, drawn, atol=1e-6)
    assert eye.tower.shapes == {(4, 3, 16, 16), (2, 3, 16, 16)}, "squeezed to what the tower takes, a batch at a time"


def test_a_model_without_both_towers_borrows_the_bundled_eye(monkeypatch: pytest.MonkeyPatch) -> None:
    borrowed = Colors().half()
    monkeypatch.setattr(features, "load", lambda device: SimpleNamespace(image_encoder=borrowed))
    own = Colors()
    model = SimpleNamespace(
        device=torch.device("cpu"), native_size=(16, 8), image_encoder=own, text_encoder=SimpleNamespace(projection=1)
    )
    assert eye_of(model).whose == OWN  # type: ignore[arg-type]
    for image_encoder, projection in ((None, 1), (own, None)):
        model.image_encoder, model.text_encoder.projection = image_encoder, projection
        eye = eye_of(model)  # type: ignore[arg-type]
        assert (eye.whose, eye.size, eye.tower.class_embedding.dtype) == (BUNDLED, (16, 8), torch.float32)
    assert borrowed.class_embedding.dtype == torch.float16, "the model itself stays as it is"


# the measurement


@pytest.mark.parametrize("held_out", [True, False])
def test_drawings_reach_the_floor_and_grey_pictures_do_not(held_out: bool) -> None:
    eye, questions = colors_eye(), ask(40, held_out=held_out)
    drawn = distance_to_drawings(
        eye, questions, eye.drawings([one.scene for one in questions], range(40)), held_out=held_out
    )  # fmt: skip
    assert (drawn.pictures, drawn.renders) == (40, 160)
    assert 0.6 < drawn.ratio < 1.6
    assert drawn.ratio == drawn.distance / drawn.floor
    gray = distance_to_drawings(eye, questions, torch.full((40, 12), 12**-0.5).double(), held_out=held_out)
    assert gray.floor == drawn.floor
    assert gray.ratio > 3
    assert not math.isnan(gray.distance)


def test_another_seed_takes_other_drawings() -> None:
    eye, questions = colors_eye(), ask(4, held_out=False)
    vectors = eye.drawings([one.scene for one in questions], range(4))
    floors = [distance_to_drawings(eye, questions, vectors, held_out=False, seed=seed).floor for seed in (0, 0, 1)]
    assert floors[0] == floors[1] != floors[2]
