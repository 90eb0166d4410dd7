"""The flickering whisker in films in which it is known."""

import numpy as np
import pytest
from PIL import Image
from tests.glass.films import SIDE, film, places, scenery

from garasu.glass.flicker import find_flickers

WHISKER = (20, slice(30, 42))  # a line of twelve pixels
COUNT = 60


def whisker(toggles: set[int], depth: float = 60.0) -> list[Image.Image]:
    """A film that brightens slowly, in which a whisker comes and goes at the given frames."""

    def paint(index: int) -> np.ndarray:
        levels = scenery() + 0.3 * index
        if sum(toggle <= index for toggle in toggles) % 2:
            levels[WHISKER] -= depth
        return levels

    return film(paint, COUNT)


@pytest.mark.parametrize("toggles", [{20, 22, 23, 25}, {5, 6, 7, 8, 9, 10}, {55, 56, 57, 58, 59}])
def test_a_whisker_is_found_where_and_when_it_flickers(toggles: set[int]) -> None:
    (found,) = find_flickers(whisker(toggles), places(COUNT))
    assert found.box == (30, 20, 42, 21)
    assert found.pixels == 12
    assert found.frames == tuple(sorted(toggles))
    assert found.at == pytest.approx([(frame - 0.5) / (COUNT - 1) for frame in sorted(toggles)])
    assert found.size == pytest.approx(60, abs=1)
    assert found.around < 1


def test_a_line_that_swaps_its_place_is_one_region() -> None:
    """What goes away on one side comes on the other: pixels that toggle the other way round belong to it."""

    def paint(index: int) -> np.ndarray:
        levels = scenery()
        levels[20 + index % 2, 30:42] -= 60
        return levels

    (found,) = find_flickers(film(paint, 12), places(12))
    assert found.box == (30, 20, 42, 22)
    assert found.frames == tuple(range(1, 12))


def test_a_smooth_film_has_none() -> None:
    def waves(index: int) -> np.ndarray:  # which come and go slowly, ten times, by 80 levels
        return scenery() + 40 * np.sin(np.mgrid[:SIDE, :SIDE][1] / 4 - index / 3)

    assert find_flickers(film(waves, 200), places(200)) == ()


def test_a_jump_has_none() -> None:
    assert find_flickers(film(lambda index: scenery()[:: 1 if index < 30 else -1], COUNT), places(COUNT)) == ()


@pytest.mark.parametrize("toggles", [{20}, {20, 22}, {20, 22, 23}])
def test_what_does_not_go_and_come_back_twice_does_not_flicker(toggles: set[int]) -> None:
    assert find_flickers(whisker(toggles), places(COUNT)) == ()


def test_light_that_flickers_everywhere_is_no_detail() -> None:
    assert find_flickers(film(lambda index: scenery() + 50 * (index % 2), COUNT), places(COUNT)) == ()


def test_noise_everywhere_is_no_detail() -> None:
    rng = np.random.default_rng(0)
    noisy = film(lambda _: scenery() + rng.normal(0, 25, (SIDE, SIDE)), COUNT)
    assert find_flickers(noisy, places(COUNT)) == ()


def test_a_detail_that_moves_with_its_surroundings_does_not_flicker() -> None:
    def paint(index: int) -> np.ndarray:  # a strip of eight rows in which stripes change places
        levels = scenery()
        levels[18:26] += 30 * (-1) ** (np.mgrid[:8, :SIDE][1] // 2 + index)
        return levels

    assert find_flickers(film(paint, COUNT), places(COUNT)) == ()


def test_a_detail_whose_surroundings_boil_does_not_flicker() -> None:
    rng = np.random.default_rng(0)

    def paint(index: int) -> np.ndarray:
        levels = scenery()
        levels[10:31, 20:52] += rng.normal(0, 20, (21, 32))
        levels[WHISKER] = 110 - 60 * (index % 2)
        return levels

    assert find_flickers(film(paint, COUNT), places(COUNT)) == ()


@pytest.mark.parametrize("shaken", [slice(0, SIDE), slice(36, SIDE)], ids=["everywhere", "elsewhere"])
def test_toggles_in_a_storm_do_not_count(shaken: slice) -> None:
    """Of four toggles two come with a storm, near the detail or not."""

    def paint(index: int) -> np.ndarray:
        levels = scenery()
        if index == 23:
            levels[shaken] = 220 - levels[shaken][::-1]
        levels[WHISKER] = 40 if index in (20, 21, 23) else 110
        return levels

    assert find_flickers(film(paint, COUNT), places(COUNT)) == ()
    (found,) = find_flickers(film(paint, COUNT), places(COUNT), toggles=2)
    assert found.frames == (20, 22)


def test_a_detail_that_rests_for_long_does_not_flicker() -> None:
    assert find_flickers(whisker({10, 20, 30, 40}), places(COUNT)) == ()


def test_a_faint_whisker_is_found_when_asked_for() -> None:
    faint = whisker({20, 22, 23, 25}, depth=15)
    assert find_flickers(faint, places(COUNT)) == ()
    assert [one.frames for one in find_flickers(faint, places(COUNT), size=8)] == [(20, 22, 23, 25)]


def test_fewer_toggles_are_found_when_asked_for() -> None:
    (found,) = find_flickers(whisker({20, 22}), places(COUNT), toggles=2)
    assert found.frames == (20, 22)


def test_a_film_of_few_frames_has_none() -> None:
    assert find_flickers(whisker({1})[:4], places(4)) == ()


def test_in_words_it_says_where_and_when() -> None:
    (found,) = find_flickers(whisker({20, 22, 23, 25}), places(COUNT))
    assert str(found).startswith(
        "flicker at x 30–41, y 20–20 (12 px): 4 toggles of 60 levels at frames 20, 22, 23, 25;"
    )
