"""Films are read back and held against the frames that went in."""

import json
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from garasu.images.reading import PictureError
from garasu.images.video import FilmError, check_film, read_comment, write_film

WHAT = json.dumps({"猫": "é", "long": "x" * 5000}, ensure_ascii=False)


def frames(count: int, size: tuple[int, int] = (64, 48)) -> list[Image.Image]:
    """A red square that wanders over a slope of grey-blue."""
    width, height = size
    slope = np.linspace(0, 255, width)[None, :, None] * np.ones((height, 1, 3)) * (0.6, 0.8, 1)
    found = []
    for index in range(count):
        page = Image.fromarray(slope.astype(np.uint8))
        page.paste((255, 0, 0), (2 * index, 8, 2 * index + 16, 24))
        found.append(page)
    return found


def decoded(path) -> list[np.ndarray]:
    if path.suffix == ".gif":
        film = Image.open(path)
        return [np.asarray(_seek(film, index)) for index in range(film.n_frames)]
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


def _seek(film: Image.Image, index: int) -> Image.Image:
    film.seek(index)
    return film.convert("RGB")


@pytest.mark.parametrize("ending", ["mp4", "webm", "gif"])
def test_every_frame_comes_back_in_order(tmp_path, ending):
    path, given = tmp_path / f"film.{ending}", frames(12)
    write_film(path, iter(given), fps=20, comment=WHAT)
    found = decoded(path)
    assert len(found) == 12
    for index, frame in enumerate(found):
        errors = [np.abs(frame.astype(int) - np.asarray(one)).mean() for one in given]
        assert int(np.argmin(errors)) == index
        assert errors[index] < 3
        assert np.abs(frame[16, 2 * index + 8].astype(int) - (255, 0, 0)).max() <= 8, "red stays red: BT.709 both ways"
    assert read_comment(path) == WHAT
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(("ending", "codec"), [("mp4", "h264"), ("webm", "vp9")])
@pytest.mark.parametrize(("fps", "rate"), [(20, Fraction(20)), (29.97, Fraction(2997, 100)), (0.5, Fraction(1, 2))])
def test_films_say_what_players_ask(tmp_path, ending, codec, fps, rate):
    path = tmp_path / f"film.{ending}"
    write_film(path, frames(4), fps=fps)
    with av.open(str(path)) as film:
        (video,) = film.streams
        assert (video.codec_context.name, video.codec_context.pix_fmt) == (codec, "yuv420p")
        assert video.codec_context.colorspace == 1, "BT.709"
        assert video.average_rate == pytest.approx(rate, rel=2e-3)
        times = [frame.time for frame in film.decode(video)]
    assert times == pytest.approx([index / fps for index in range(4)], abs=2e-3)
    assert read_comment(path) == ""


def test_an_mp4_plays_before_it_is_all_there(tmp_path):
    write_film(tmp_path / "film.mp4", frames(4), fps=20)
    data = (tmp_path / "film.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_an_odd_size_is_made_even_by_its_own_border(tmp_path):
    write_film(tmp_path / "film.mp4", frames(3, (63, 47)), fps=20)
    found = decoded(tmp_path / "film.mp4")
    assert [one.shape for one in found] == [(48, 64, 3)] * 3
    given = np.pad(np.asarray(frames(1, (63, 47))[0]), ((0, 1), (0, 1), (0, 0)), mode="edge").astype(int)
    assert np.abs(found[0].astype(int) - given)[-1].mean() < 4


def test_a_gif_keeps_time_in_hundredths_and_runs_in_a_circle(tmp_path):
    given = frames(9)
    write_film(tmp_path / "film.gif", [*given, given[-1], given[-1]], fps=30)
    film = Image.open(tmp_path / "film.gif")
    assert film.info["loop"] == 0
    assert film.n_frames == 9, "equal frames in a row are one"
    durations = [_seek(film, index).info["duration"] for index in range(9)]
    assert durations[:4] == [30, 40, 30, 30]
    assert sum(durations) == 370, "eleven thirtieths"


@pytest.mark.parametrize("side", [128, 320])
def test_a_gif_keeps_the_colour_of_small_things(tmp_path, side):
    slope = np.linspace(0, 1, side)[:, None, None] * np.linspace(0, 1, side)[None, :, None]
    page = Image.fromarray((slope * (120, 160, 255)).astype(np.uint8))
    page.paste((250, 220, 30), (side // 2, side // 2, side // 2 + side // 16, side // 2 + side // 16))
    write_film(tmp_path / "film.gif", [page, page.rotate(90)], fps=10)
    for found, given in zip(decoded(tmp_path / "film.gif"), (page, page.rotate(90)), strict=True):
        difference = np.abs(found.astype(int) - np.asarray(given))
        assert np.percentile(difference, 99.9) <= 20
        assert difference.mean() < 4


@pytest.mark.parametrize(
    ("name", "fps", "sentence"),
    [
        ("film.avi", 20, r"film\.avi: a film's name ends in \.mp4, \.webm or \.gif"),
        ("film", 20, "a film's name ends in"),
        ("film.mp4", 0, r"fps must lie between 0\.1 and 240 in a \.mp4 film, not 0"),
        ("film.gif", 60, r"between 0\.1 and 50 in a \.gif film, not 60"),
        ("film.mp4", float("nan"), "not nan"),
    ],
)
def test_what_cannot_be_a_film_is_refused(tmp_path, name, fps, sentence):
    with pytest.raises(FilmError, match=sentence):
        check_film(tmp_path / name, fps)


@pytest.mark.parametrize("ending", ["mp4", "webm", "gif"])
def test_nothing_is_left_of_a_film_that_fails(tmp_path, ending):
    path = tmp_path / f"film.{ending}"
    with pytest.raises(FilmError, match="frame 2 is 32x32, the first is 64x48"):
        write_film(path, [*frames(2), Image.new("RGB", (32, 32))], fps=20)
    with pytest.raises(FilmError, match="at least one frame"):
        write_film(path, [], fps=20)
    with pytest.raises(FileNotFoundError, match=r"the folder .* does not exist"):
        write_film(tmp_path / "none" / path.name, frames(2), fps=20)
    assert list(tmp_path.iterdir()) == []


def test_without_pyav_only_gifs_are_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError):
        check_film(tmp_path / "film.mp4", 20)
    write_film(tmp_path / "film.gif", frames(2), fps=20, comment="cat")
    assert read_comment(tmp_path / "film.gif") == "cat"


@pytest.mark.parametrize(("name", "error"), [("film.mp4", FilmError), ("film.gif", PictureError)])
def test_what_is_no_film_is_named(tmp_path, name, error):
    with pytest.raises(FileNotFoundError, match=rf"there is no .*{name}"):
        read_comment(tmp_path / name)
    (tmp_path / name).write_text("no film")
    with pytest.raises(error, match=rf"{name} is not a"):
        read_comment(tmp_path / name)
