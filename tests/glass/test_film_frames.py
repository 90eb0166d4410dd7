"""A film's frames as they are measured."""

from pathlib import Path

import pytest
import torch

from garasu.glass.film_frames import Finished, film_frames
from garasu.model import StableDiffusion
from garasu.tasks.blend import through
from garasu.tasks.film import Film

JOURNEY = through("cat", "dog", frames=3, seed=4, steps=2)


@pytest.fixture
def film(tmp_path: Path) -> Film:
    return Film(tmp_path / "film.gif", JOURNEY, 10, {})


def test_pictures_come_with_what_led_to_them(tiny: StableDiffusion, film: Film) -> None:
    finished = Finished()
    names = [one for one in finished.watched(film.frames, film.frames.run(tiny)) if isinstance(one, str)]
    assert names == ["1", "2", "3"], "what is watched is passed on"
    frames = film_frames(tiny, film, finished)
    assert [frame.u for frame in frames] == [0, 0.5, 1]
    for frame in frames:
        assert tiny.decode(frame.latent[None]).tobytes() == frame.picture.tobytes()
    for frame, word in ((frames[0], "cat"), (frames[2], "dog")):
        assert torch.equal(frame.conditioning, tiny.encode(word).tensor[0])


def test_a_journey_of_seeds_alone_has_its_words_in_each_frame(tiny: StableDiffusion, film: Film) -> None:
    still = Film(film.output, through("cat", "cat", frames=2, seeds=(1, 2), steps=1), 10, {})
    list(still.frames.run(tiny))
    first, second = film_frames(tiny, still, Finished())
    assert torch.equal(first.conditioning, second.conditioning)


def test_pictures_of_an_earlier_run_have_no_latents(tiny: StableDiffusion, film: Film) -> None:
    list(film.frames.run(tiny))
    assert [frame.latent for frame in film_frames(tiny, film, Finished())] == [None] * 3


def test_of_several_walks_the_last_latent_is_kept(tiny: StableDiffusion, film: Film) -> None:
    hires = Film(film.output, JOURNEY.but(recipe=JOURNEY.recipe.but(hires_scale=2.0)), 10, {})
    finished = Finished()
    list(finished.watched(hires.frames, hires.frames.run(tiny)))
    frames = film_frames(tiny, hires, finished)
    assert frames[0].picture.size == (128, 128)
    assert frames[0].latent.shape == (4, 16, 16)
