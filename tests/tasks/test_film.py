"""Films of journeys: what lies on the disk, while they are made and after."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from garasu.images.metadata import read_metadata
from garasu.images.video import FilmError, read_comment
from garasu.tasks.blend import Journey, frame_at, through
from garasu.tasks.film import Film, read_film
from garasu.tasks.folder import FolderTakenError

JOURNEY = through("cat", "dog", frames=5, seed=1, steps=2, width=64, height=64)


def film_of(output: Path, journey: Journey = JOURNEY, fps: float = 20, model: str | None = None) -> Film:
    return Film(output, journey, fps, {"model": model})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def made(tiny, film: Film, most: int = 100) -> list[str]:
    """Make frames, and stop after some of them as an interruption does."""
    found = []
    for one in film.frames.run(tiny):
        if isinstance(one, str):
            found.append(one)
            if len(found) == most:
                break
    return found


def test_a_film_is_one_file_that_tells_its_journey(tiny, tmp_path):
    film = film_of(tmp_path / "film.gif", fps=10)
    film.check()
    assert made(tiny, film) == ["1", "2", "3", "4", "5"]
    assert names(tmp_path / "film.frames") == ["1.png", "2.png", "3.png", "4.png", "5.png", "journey.json"]
    frames = [np.asarray(Image.open(file)).astype(int) for file in film.frames.files.values()]
    film.finish()
    assert names(tmp_path) == ["film.gif"]
    said = read_film(tmp_path / "film.gif")
    assert Journey(**said["recipe"]) == JOURNEY
    assert (said["fps"], said["made_with"]["model"]) == (10, "tiny")
    shown = Image.open(tmp_path / "film.gif")
    assert shown.n_frames == 5
    for index, frame in enumerate(frames):
        shown.seek(index)
        assert np.abs(np.asarray(shown.convert("RGB")).astype(int) - frame).mean() < 6, "256 colours for 4096 of noise"


def test_frames_that_are_kept_carry_their_recipes(tiny, tmp_path):
    film = film_of(tmp_path / "film.gif")
    made(tiny, film)
    film.finish(keep_frames=True)
    assert names(tmp_path) == ["film.frames", "film.gif"]
    for file, place in zip(film.frames.files.values(), JOURNEY.places(), strict=True):
        assert read_metadata(file).ours["recipe"] == frame_at(JOURNEY, place).model_dump()
    assert film.frames.missing() == []
    film.check()


def test_an_interrupted_film_goes_on(tiny, tmp_path):
    film = film_of(tmp_path / "film.gif")
    assert made(tiny, film, most=2) == ["1", "2"]
    assert names(tmp_path) == ["film.frames"]
    again = film_of(tmp_path / "film.gif", fps=30)
    again.check()
    assert made(tiny, again) == ["3", "4", "5"]
    again.finish()
    assert names(tmp_path) == ["film.gif"]


@pytest.mark.parametrize(
    "other",
    [
        film_of(Path("film.gif"), through(JOURNEY, frames=6)),
        film_of(Path("film.gif"), through(JOURNEY, steps=3)),
        film_of(Path("film.gif"), through(JOURNEY, seed=2)),
        film_of(Path("film.gif"), model="another"),
        film_of(Path("film.mp4"), through(JOURNEY, waypoints=("cat", "bird"))),
    ],
)
def test_another_journey_is_refused(tiny, tmp_path, monkeypatch, other):
    monkeypatch.chdir(tmp_path)
    made(tiny, film_of(Path("film.gif")), most=1)
    with pytest.raises(FolderTakenError, match=r"film\.frames holds another journey: remove it, or name"):
        other.check()


def test_an_adaptive_film_is_chosen_from_scouts(tiny, tmp_path):
    film = Film(tmp_path / "film.gif", through(JOURNEY, seeds=(), frames=3), 20, {}, adaptive=True).seeded()
    scouts = film.scouts([0, 1, 0.5, 0.25])
    assert [one for one in scouts.run(tiny) if isinstance(one, str)] == list(scouts.recipes)
    assert film.seeded() == film
    assert Film(tmp_path / "film.gif", film.journey.but(seeds=()), 20, {}, adaptive=True).seeded() == film
    film.check()
    assert names(tmp_path / "film.scouts") == [
        "0.000000.png",
        "0.250000.png",
        "0.500000.png",
        "1.000000.png",
        "journey.json",
    ]
    placed = film.placed([0, 0.25, 1])
    assert placed.frames.missing() == []
    film.check()
    with pytest.raises(FolderTakenError, match=r"film\.frames holds another journey"):
        Film(tmp_path / "film.gif", through(film.journey, steps=9), 20, {}).check()
    for file, place in zip(placed.frames.files.values(), (0, 0.25, 1), strict=True):
        assert read_metadata(file).ours["recipe"] == frame_at(film.journey, place).model_dump()
    placed.finish()
    scouts.clear()
    assert names(tmp_path) == ["film.gif"]
    assert Journey(**read_film(tmp_path / "film.gif")["recipe"]).places() == (0, 0.25, 1)


def test_an_adaptive_film_is_refused_before_it_is_made_where_other_frames_are(tiny, tmp_path):
    made(tiny, film_of(tmp_path / "film.gif"), most=1)
    with pytest.raises(FolderTakenError, match=r"film\.frames holds another journey"):
        Film(tmp_path / "film.gif", through(JOURNEY, steps=1), 20, {}, adaptive=True).check()


def test_a_name_without_an_ending_is_a_folder_of_frames(tiny, tmp_path):
    film = film_of(tmp_path / "walk")
    film.check()
    made(tiny, film)
    film.finish()
    assert names(tmp_path / "walk") == ["1.png", "2.png", "3.png", "4.png", "5.png", "journey.json"]


def test_what_somebody_put_among_the_frames_stays(tiny, tmp_path):
    film = film_of(tmp_path / "film.gif")
    made(tiny, film)
    (tmp_path / "film.frames" / "letter.txt").write_text("dear")
    film.finish()
    assert names(tmp_path / "film.frames") == ["letter.txt"]
    with pytest.raises(FolderTakenError, match="no empty folder"):
        film.check()


def test_what_cannot_be_written_is_refused_before_any_work(tmp_path):
    with pytest.raises(FilmError, match=r"film\.avi: a film's name ends in"):
        film_of(tmp_path / "film.avi").check()
    with pytest.raises(FileNotFoundError, match="does not exist"):
        film_of(tmp_path / "none" / "film.gif").check()
    assert names(tmp_path) == []


def test_a_seed_left_open_is_the_same_when_the_film_goes_on(tiny, tmp_path):
    unseeded = JOURNEY.but(seeds=())
    first = film_of(tmp_path / "film.gif", unseeded).seeded().journey
    assert len(first.seeds) == 1
    made(tiny, film_of(tmp_path / "film.gif", first), most=1)
    assert film_of(tmp_path / "film.gif", unseeded).seeded().journey == first
    assert film_of(tmp_path / "other.gif", unseeded).seeded().journey != first
    assert film_of(tmp_path / "film.gif", JOURNEY).seeded().journey == JOURNEY


@pytest.mark.parametrize("comment", ["", "[1]", json.dumps({"task": "txt2img"}), "holiday"])
def test_a_film_of_somebody_else_is_named(tmp_path, comment):
    Image.new("RGB", (8, 8)).save(tmp_path / "film.gif", comment=comment.encode())
    assert read_comment(tmp_path / "film.gif") == comment
    with pytest.raises(FilmError, match=r"film\.gif carries no journey"):
        read_film(tmp_path / "film.gif")
