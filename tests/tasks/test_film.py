"""Films of journeys: what lies on the disk, while they are made and after."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from garasu.images.metadata import read_metadata
from garasu.images.video import FilmError, read_comment
from garasu.tasks.blend import Journey, frame_at, through
from garasu.tasks.film import Film, begun, read_film
from garasu.tasks.folder import FolderTakenError

JOURNEY = through("cat", "dog", frames=5, seed=1, steps=2, width=64, height=64)


def film_of(output: Path, journey: Journey = JOURNEY, fps: float = 20, model: str | None = None) -> Film:
    return Film(output, journey, fps, {"model": model})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def made(tiny, film: Film, most: int = 100) -> list[int]:
    """Make frames, and stop after some of them as an interruption does."""
    found = []
    for one in film.frames.run(tiny):
        if isinstance(one, int):
            found.append(one)
            if len(found) == most:
                break
    return found


def test_a_film_is_one_file_that_tells_its_journey(tiny, tmp_path):
    film = film_of(tmp_path / "film.gif", fps=10)
    film.check()
    assert made(tiny, film) == [0, 1, 2, 3, 4]
    assert names(tmp_path / "film.frames") == ["1.png", "2.png", "3.png", "4.png", "5.png", "journey.json"]
    frames = [np.asarray(Image.open(film.frames.files[index])).astype(int) for index in range(5)]
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
    for index, place in enumerate(JOURNEY.places()):
        assert read_metadata(film.frames.files[index]).ours["recipe"] == frame_at(JOURNEY, place).model_dump()
    assert film.frames.missing() == []
    film.check()


def test_an_interrupted_film_goes_on(tiny, tmp_path):
    film = film_of(tmp_path / "film.gif")
    assert made(tiny, film, most=2) == [0, 1]
    assert names(tmp_path) == ["film.frames"]
    again = film_of(tmp_path / "film.gif", fps=30)
    again.check()
    assert made(tiny, again) == [2, 3, 4]
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
    first = begun(tmp_path / "film.gif", unseeded)
    assert len(first.seeds) == 1
    made(tiny, film_of(tmp_path / "film.gif", first), most=1)
    assert begun(tmp_path / "film.gif", unseeded) == first
    assert begun(tmp_path / "other.gif", unseeded) != first
    assert begun(tmp_path / "film.gif", JOURNEY) == JOURNEY


@pytest.mark.parametrize("comment", ["", "[1]", json.dumps({"task": "txt2img"}), "holiday"])
def test_a_film_of_somebody_else_is_named(tmp_path, comment):
    Image.new("RGB", (8, 8)).save(tmp_path / "film.gif", comment=comment.encode())
    assert read_comment(tmp_path / "film.gif") == comment
    with pytest.raises(FilmError, match=r"film\.gif carries no journey"):
        read_film(tmp_path / "film.gif")
