"""Frames placed where the picture moves, for journeys whose speed is known."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from tests.glass.films import picture

import garasu
from garasu.glass.adaptive import adaptive, chosen, halved
from garasu.glass.journey import Evenness, Frame, JourneyError
from garasu.glass.speed import pixel_distances


class Way:
    """A journey whose picture at u is `share(u)` of the way to its end; it remembers what it was asked."""

    def __init__(self, share: Callable[[float], float]) -> None:
        self.share, self.asked = share, list[list[float]]()

    def __call__(self, places: Sequence[float]) -> list[Frame]:
        self.asked.append(list(places))
        return [Frame(u, picture(self.share(u))) for u in places]


def steep(u: float) -> float:
    """Most of the way within a fiftieth of it, around u 0.3."""
    return float(1 / (1 + np.exp(-(u - 0.3) * 200)))


def evenness(frames: Sequence[Frame]) -> Evenness:
    return Evenness.of(pixel_distances([frame.picture for frame in frames]))


def test_places_are_the_inverse_of_the_way_covered() -> None:
    frames = adaptive(Way(np.sqrt), 21, finer=8)
    assert [frame.u for frame in frames] == pytest.approx((np.arange(21) / 20) ** 2, abs=0.01)


def test_a_leap_becomes_even() -> None:
    before = evenness(Way(steep)(np.linspace(0, 1, 33).tolist()))
    frames = adaptive(Way(steep), 33)
    after = evenness(frames)
    assert before.variation > 3
    assert after.variation < 0.5
    inside = [frame for frame in frames if 0.01 < steep(frame.u) < 0.99]
    assert len(inside) >= 24, "where nothing moves, few frames are needed"


def test_each_place_is_asked_for_once_in_batches_and_the_ends_first() -> None:
    way = Way(steep)
    frames = adaptive(way, 20, finer=3, batch=8)
    asked = [u for batch in way.asked for u in batch]
    assert asked[:2] == [0.0, 1.0]
    assert len(asked) == len(set(asked)) == 60
    assert max(map(len, way.asked)) <= 8
    assert (len(frames), frames[0].u, frames[-1].u) == (20, 0.0, 1.0)
    assert [frame.u for frame in frames] == sorted({frame.u for frame in frames})


def test_a_true_discontinuity_is_not_halved_for_ever() -> None:
    way = Way(lambda u: float(u > 1 / 3))
    adaptive(way, 40, smallest=1 / 128)
    asked = sorted(u for batch in way.asked for u in batch)
    assert np.diff(asked).min() >= 1 / 128


def test_no_more_is_made_than_is_kept_when_asked_for() -> None:
    way = Way(steep)
    assert len(adaptive(way, 30, finer=1)) == sum(map(len, way.asked)) == 30


def test_a_large_step_is_cut_several_times_at_once() -> None:
    assert halved({(0.0, 0.5): 1.0, (0.5, 1.0): 8.0}, 4, 1e-3) == [0.75, 0.625, 0.875, 0.5625]
    assert halved({(0.0, 0.5): 1.0, (0.5, 1.0): 8.0}, 4, 0.25) == [0.75, 0.25]


def test_frames_are_chosen_at_equal_parts_of_the_way() -> None:
    way = Way(lambda u: u)([0, 0.1, 0.2, 0.5, 0.52, 0.54, 0.8, 1])
    assert [frame.u for frame in chosen(way, 3)] == [0, 0.5, 1]
    assert [frame.u for frame in chosen(way, 8)] == [frame.u for frame in way]


def test_a_film_that_stands_still_keeps_both_ends() -> None:
    frames = adaptive(Way(lambda _: 0.5), 10)
    assert (len(frames), frames[0].u, frames[-1].u) == (10, 0.0, 1.0)


@pytest.mark.parametrize(
    ("knobs", "complaint"),
    [
        ({"count": 1}, "two frames at least, not 1"),
        ({"count": 5, "finer": 0.5}, "finer is 0.5"),
        ({"count": 50, "smallest": 0.1}, "only 17 of 50 frames"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(knobs: dict[str, float], complaint: str) -> None:
    with pytest.raises(JourneyError, match=complaint):
        adaptive(Way(steep), **knobs)  # type: ignore[arg-type]


def test_a_real_journey_becomes_more_even() -> None:
    sd = garasu.load(dtype="float32")
    here, there = sd.encode("cat").tensor, sd.encode("kitten").tensor

    def frame_at(places: Sequence[float]) -> list[Frame]:
        words = here.lerp(there, torch.tensor(places)[:, None, None])
        *_, last = sd.sample(words, seed=[3] * len(places), steps=8, guidance_scale=3)
        return [Frame(u, one) for u, one in zip(places, sd.decode_each(last.latent), strict=True)]

    before, after = evenness(frame_at(np.linspace(0, 1, 17).tolist())), evenness(adaptive(frame_at, 17, finer=2.5))
    assert after.variation < 0.6 * before.variation
    assert after.largest < 0.6 * before.largest
