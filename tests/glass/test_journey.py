"""The report of a journey: what is measured, what is left out and why, and what is refused."""

import json

import pytest
import torch
from PIL import Image
from tests.glass.films import picture, places

from garasu.glass.journey import CLIP, LATENT, PIXELS, Evenness, Frame, JourneyError, measure
from garasu.model import StableDiffusion
from garasu.networks.clip_vision import CLIPVision, CLIPVisionConfig

SHARES = [0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.36, 0.37, 0.38, 0.39, 0.4]


def journey(shares: list[float] = SHARES) -> list[Frame]:
    """A jump of 30 % of the picture among steps of 1 %; latents move three times as far as the words."""
    words = torch.ones(1, 4, 8)
    return [
        Frame(u, picture(share), 3 * index * words, index * words)
        for index, (u, share) in enumerate(zip(places(len(shares)), shares, strict=True))
    ]


@pytest.fixture(scope="module")
def seeing(new_tiny) -> StableDiffusion:
    """A model with an image encoder."""
    sd = new_tiny()
    sd.image_encoder = CLIPVision(
        CLIPVisionConfig(image_size=32, patch_size=8, width=48, layers=1, heads=4, mlp_width=96, projection_width=24)
    )
    return sd


def test_speeds_are_per_unit_of_the_way(seeing: StableDiffusion) -> None:
    report = measure(seeing, journey())
    assert report.u == tuple(places(12))
    assert report.changes[6] == pytest.approx(255 * 0.3)
    assert report.speeds[PIXELS] == pytest.approx([255 * 11 * (0.3 if step == 6 else 0.01) for step in range(11)])
    assert report.typical == pytest.approx(255 * 11 * 0.01)
    assert report.fastest == pytest.approx(30)
    assert report.speeds[LATENT] == pytest.approx([3.0] * 11)
    assert max(report.speeds[CLIP]) == report.speeds[CLIP][6] > 0
    assert report.left_out == {}


def test_what_happens_is_told_in_its_order(seeing: StableDiffusion) -> None:
    lines = str(measure(seeing, journey())).splitlines()
    assert [line.split()[:2] for line in lines[2:]] == [
        ["calm", "0.000–0.545"],
        ["storm", "0.545–0.636"],
        ["jump", "at"],
        ["calm", "0.636–1.000"],
    ]
    assert "jump at 0.591 (76.5 levels, 30×)" in lines[4]
    assert "mean 2.55/frame, 28/u" in lines[2]


def test_json_has_everything(seeing: StableDiffusion) -> None:
    report = measure(seeing, journey())
    read = json.loads(report.json())
    (jump,) = report.jumps
    assert read["jumps"] == [{"at": jump.at, "frame": 7, "change": jump.change, "times": jump.times}]
    assert read["speeds"].keys() == {PIXELS, CLIP, LATENT}
    assert read["evenness"]["largest"] == report.evenness.largest == pytest.approx(30)
    assert len(read["stretches"]) == 3


def test_what_cannot_be_measured_is_left_out_and_said(tiny: StableDiffusion) -> None:
    report = measure(tiny, [Frame(frame.u, frame.picture) for frame in journey()])
    assert report.speeds.keys() == {PIXELS}
    assert str(report).splitlines()[-2:] == [
        "no clip speed: the checkpoint has no image encoder",
        "no latent speed: not every frame came with its latent and its conditioning",
    ]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([torch.zeros(77, 8), torch.zeros(154, 8), torch.zeros(154, 8)], "the conditionings have several lengths"),
        ([torch.zeros(77, 8), torch.ones(77, 8), torch.ones(77, 8)], "the conditioning stands still in some steps"),
    ],
)
def test_words_that_give_no_distance_are_left_out(tiny: StableDiffusion, words: list[torch.Tensor], why: str) -> None:
    frames = [Frame(u, picture(u), torch.zeros(4, 8, 8), one) for u, one in zip(places(3), words, strict=True)]
    assert measure(tiny, frames).left_out[LATENT] == why


@pytest.mark.parametrize(
    ("frames", "complaint"),
    [
        ([Frame(0, picture(0))], "two frames at least, not 1"),
        ([Frame(0, picture(0)), Frame(0, picture(1))], "no two at the same"),
        ([Frame(1, picture(0)), Frame(0, picture(1))], "in the order of their u"),
        (
            [Frame(0, picture(0)), Frame(1, Image.new("RGB", (8, 8)))],
            r"one size, these have \[\(8, 8\), \(100, 100\)\]",
        ),
    ],
)
def test_what_is_no_journey_is_refused_in_a_sentence(
    tiny: StableDiffusion, frames: list[Frame], complaint: str
) -> None:
    with pytest.raises(JourneyError, match=complaint):
        measure(tiny, frames)


def test_evenness_is_least_for_equal_steps() -> None:
    assert Evenness.of([2.0, 2.0, 2.0]) == Evenness(0.0, 1.0)
    assert Evenness.of([0.0, 0.0]) == Evenness(0.0, 1.0)
    uneven = Evenness.of([1.0, 1.0, 4.0])
    assert (uneven.variation, uneven.largest) == (pytest.approx(2**0.5 / 2), 4.0)
