"""Concepts: each is one individual (or one style), well varied, well captioned, and never in training."""

import json
import random
import re
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from garasu.world.captions import caption
from garasu.world.carved_pens import WoodcutPen
from garasu.world.colors import FUR, Color
from garasu.world.concepts import calico, fox, mascot, robot, statue
from garasu.world.concepts.examples import ConceptExample, concept_example
from garasu.world.concepts.portrait import ONE_IN, Portrait, portrait, render_portrait
from garasu.world.concepts.table import CONCEPTS, ConceptError, Individual, find_concept
from garasu.world.dataset import METADATA, DatasetError, contact_sheet, write_folder
from garasu.world.render import PENS, render
from garasu.world.scene import ATTRIBUTES, BACKGROUNDS, STYLES, SUBJECTS, Scene, SceneError, random_scene

NAMES = ("calico", "fox", "robot", "mascot", "statue", "woodcut")
INDIVIDUALS = [concept for concept in CONCEPTS.values() if isinstance(concept, Individual)]
BY_NAME = pytest.mark.parametrize("individual", INDIVIDUALS, ids=lambda individual: individual.name)
MARKS = {
    "calico": (calico.ORANGE, calico.BLACK, FUR["white"]),
    "fox": (fox.RUST, fox.CREAM, fox.SOCK),
    "robot": (robot.TEAL, robot.VERMILION, robot.SCREEN, robot.GLOW, robot.DIAL),
    "mascot": (mascot.BERRY, mascot.HEM, mascot.FEET, mascot.CHINA, mascot.STRIPE),
    "statue": (statue.STONE, statue.LIGHT, statue.SHADE, statue.MOSS),
}


def examples(name: str, count: int, seed: int = 0) -> list[ConceptExample]:
    return [concept_example(index, concept=CONCEPTS[name], seed=seed) for index in range(count)]


def where(pixels: NDArray[np.uint8], color: Color) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (pixels == np.array(color, np.uint8)).all(2)
    return found


def test_the_concepts_are_those_that_were_promised() -> None:
    assert tuple(CONCEPTS) == NAMES
    assert [find_concept(name).name for name in NAMES] == list(NAMES)


def test_training_never_sees_a_concept() -> None:
    assert not set(NAMES) & (SUBJECTS.keys() | STYLES.keys() | PENS.keys())
    assert WoodcutPen not in PENS.values()
    rng = random.Random(0)
    said = " ".join(caption(random_scene(rng), rng) for _ in range(5000))
    for concept in CONCEPTS.values():
        assert not re.search(rf"\b{concept.name}\b|\b{concept.noun}\b", said)


@pytest.mark.parametrize("name", NAMES)
def test_a_set_repeats_by_seed_and_needs_no_order(name: str) -> None:
    forth = [concept_example(index, 48, concept=CONCEPTS[name], seed=1) for index in range(3)]
    back = [concept_example(index, 48, concept=CONCEPTS[name], seed=1) for index in (2, 1, 0)][::-1]
    other = concept_example(0, 48, concept=CONCEPTS[name], seed=2)
    for one, same in zip(forth, back, strict=True):
        assert (one.shown, one.text, one.image.tobytes()) == (same.shown, same.text, same.image.tobytes())
    assert other.image.tobytes() != forth[0].image.tobytes()


@pytest.mark.parametrize("size", [(96, 160), (160, 96), (200, 64), (37, 53), (8, 8), (192, 192)])
@pytest.mark.parametrize("name", NAMES)
def test_any_size_is_drawn(name: str, size: tuple[int, int]) -> None:
    for index in range(3):
        drawn = concept_example(index, size, concept=CONCEPTS[name])
        assert drawn.image.size == size
        assert len(np.unique(np.asarray(drawn.image).reshape(-1, 3), axis=0)) > 3


@BY_NAME
def test_too_small_a_picture_is_refused(individual: Individual) -> None:
    with pytest.raises(SceneError, match="too small"):
        render_portrait(individual, portrait(individual, 0, 0), 7, 0)


@BY_NAME
def test_it_is_always_the_same_individual(individual: Individual) -> None:
    """Each of its colours, to the bit, in every flat picture, sitting or sleeping, before any background."""
    seen = [one for one in examples(individual.name, 40) if one.shown.style == "flat"]
    assert {one.shown.pose for one in seen} == individual.poses.keys()
    assert {one.shown.background for one in seen} == BACKGROUNDS.keys()
    for one in seen:
        pixels = np.asarray(one.image)
        counts = [int(where(pixels, color).sum()) for color in MARKS[individual.name]]
        assert min(counts) >= 12, (one.text, counts)


def test_the_calicos_patches_never_change_sides() -> None:
    """Its orange ear stands left of its black ear."""
    for one in examples("calico", 30):
        if one.shown.style == "flat" and one.shown.pose == "sitting":
            pixels = np.asarray(one.image)
            orange, black = (np.argwhere(where(pixels, color)) for color in (calico.ORANGE, calico.BLACK))
            assert orange[orange[:, 0].argmin(), 1] + 10 < black[black[:, 0].argmin(), 1]


def test_the_calicos_tail_is_orange_and_black() -> None:
    """It stands at the right of the body, further out than anything else."""
    for seed in range(6):
        pixels = render_portrait(CONCEPTS["calico"], Portrait("flat", "plain", "white", "center", "sitting"), 128, seed)
        right = np.flatnonzero((255 - pixels.astype(int)).sum(2).max(0) > 60)[-1]
        tail = pixels[:, right - 14 : right]
        assert min(where(tail, calico.ORANGE).sum(), where(tail, calico.BLACK).sum()) > 40


def test_the_fox_is_no_orange_cat() -> None:
    """Its fur lies far from the cats', and the tips of its ears are black, as no cat's are."""
    assert max(abs(a - b) for a, b in zip(fox.RUST, FUR["orange"], strict=True)) > 40
    for seed in range(6):
        shown = Portrait("flat", "plain", "white", "center", "sitting")
        pixels = render_portrait(CONCEPTS["fox"], shown, 128, seed)
        highest = [int(np.argwhere(where(pixels, color))[:, 0].min()) for color in (fox.SOCK, fox.RUST)]
        assert highest[0] + 4 < highest[1]


@BY_NAME
def test_it_is_large(individual: Individual) -> None:
    shown = Portrait("flat", "plain", "white", "center", next(iter(individual.poses)))
    for seed in range(8):
        drawn = (255 - render_portrait(individual, shown, 128, seed).astype(int)).sum(2) > 60
        rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
        assert 0.74 < np.ptp(rows) / 128 < 0.95
        assert rows[0] > 0
        assert columns[0] > 0
        assert columns[-1] < 127


@BY_NAME
@pytest.mark.parametrize("style", [*PENS.values(), WoodcutPen], ids=lambda style: style.__name__)
def test_every_pen_draws_it(individual: Individual, style: type) -> None:
    """It stands out from the same background with another individual in its place, at the same spot, in each style."""
    shown = Portrait("flat", "beach", "none", "center", next(iter(individual.poses)))
    other = CONCEPTS["robot" if individual.name != "robot" else "fox"]
    assert isinstance(other, Individual)
    pose = next(iter(other.poses))
    one, two = (
        render_portrait(who, Portrait(**{**vars(shown), "pose": how}), 128, 3, style=style).astype(int)
        for who, how in ((individual, shown.pose), (other, pose))
    )
    differs = np.abs(one - two).sum(2) > 60
    assert differs[20:110, 30:98].mean() > 0.25
    assert differs[:, :6].mean() < 0.2


@BY_NAME
@pytest.mark.parametrize("seed", range(5))
def test_five_pictures_have_five_backgrounds(individual: Individual, seed: int) -> None:
    shown = [portrait(individual, index, seed) for index in range(5)]
    assert len({(one.background, one.background_color) for one in shown}) == 5
    assert 1 <= sum(one.background == "plain" for one in shown) <= 3
    assert sum(one.style == "flat" for one in shown) == 4


@BY_NAME
def test_sets_vary(individual: Individual) -> None:
    shown = [portrait(individual, index, seed) for seed in range(10) for index in range(10)]
    assert {one.place for one in shown} == {"center", "left", "right"}
    assert sum(one.style != "flat" for one in shown) == len(shown) // ONE_IN
    assert {one.pose for one in shown} == individual.poses.keys()
    assert len({portrait(individual, 0, seed).background for seed in range(20)}) > 3


@pytest.mark.parametrize("name", NAMES)
def test_a_placeholder_can_take_the_nouns_place(name: str) -> None:
    for one in examples(name, 40):
        assert len(re.findall(rf"\b{one.concept.noun}\b", one.text)) == 1, one.text
        assert one.text == one.text.strip(" ,")
        assert "{" not in one.text


@BY_NAME
def test_captions_say_what_is_around_it_and_not_what_it_is_like(individual: Individual) -> None:
    for one in examples(individual.name, 60):
        around = one.text.replace(individual.noun, "")
        assert not re.search(r"\b(orange|black|teal|stone|tabby|eyes|none|cat)\b", around), one.text
        assert one.shown.style in ("flat", *one.text.split(", ")) or one.shown.style in one.text
        assert one.shown.pose != "sleeping" or "sleeping" in one.text
        assert one.shown.place == "center" or f"on the {one.shown.place}" in one.text
        if one.shown.background == "plain":
            assert f"{one.shown.background_color} background" in one.text


@pytest.mark.parametrize("name", NAMES)
def test_articles_fit(name: str) -> None:
    for one in examples(name, 30):
        for article, word in pairwise(re.findall(r"[A-Za-z]+", one.text)):
            if article in ("a", "an"):
                assert (article == "an") == (word[0].lower() in "aeiou"), one.text


def test_a_woodcuts_caption_names_no_other_style() -> None:
    for one in examples("woodcut", 60):
        assert not re.search(r"flat|cartoon|drawing|photo|picture|sketch|paint", one.text), one.text
        assert one.attributes["style"] == "woodcut"


def rows(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / METADATA).read_text(encoding="utf-8").splitlines()]


@BY_NAME
def test_a_folder_can_be_drawn_again(individual: Individual, tmp_path: Path) -> None:
    out = write_folder(tmp_path / "set", 5, (96, 64), seed=4, concept=individual.name)
    for row in rows(out):
        assert (row["concept"], row["noun"]) == (individual.name, individual.noun)
        assert row["class_noun"] == individual.class_noun
        shown = Portrait(**{name: row[name] for name in ("style", "background", "background_color", "place", "pose")})
        with Image.open(out / row["file_name"]) as picture:
            again = render_portrait(individual, shown, (96, 64), int(row["seed"]))
            assert np.array_equal(np.asarray(picture), again)


def test_a_folder_of_a_style_can_be_drawn_again(tmp_path: Path) -> None:
    out = write_folder(tmp_path / "set", 4, 64, concept="woodcut")
    for row in rows(out):
        assert (row["concept"], row["class_noun"], row["style"]) == ("woodcut", "style", "woodcut")
        scene = Scene(**{**{name: row[name] for name in ATTRIBUTES}, "style": "flat"})
        with Image.open(out / row["file_name"]) as picture:
            assert np.array_equal(np.asarray(picture), render(scene, 64, int(row["seed"]), WoodcutPen))


def test_a_sheet_shows_the_folders_pictures() -> None:
    page = np.asarray(contact_sheet(2, 2, 48, seed=1, concept="fox"))
    first = np.asarray(concept_example(0, 48, concept=CONCEPTS["fox"], seed=1).image)
    assert any(np.array_equal(page[top : top + 48, left : left + 48], first) for top in range(12) for left in range(12))


@pytest.mark.parametrize("make", ["folder", "sheet"])
def test_refusals_come_before_work(tmp_path: Path, make: str) -> None:
    def ask(**more: object) -> None:
        if make == "folder":
            write_folder(tmp_path / "set", 2, 16, **more)  # type: ignore[arg-type]
        else:
            contact_sheet(2, None, 16, **more)  # type: ignore[arg-type]

    with pytest.raises(ConceptError, match="no concept 'wolf': choose one of " + ", ".join(NAMES)):
        ask(concept="wolf")
    with pytest.raises(DatasetError, match="not for both"):
        ask(concept="fox", held_out=True)
    assert list(tmp_path.iterdir()) == []


def test_drawing_is_quick() -> None:
    """300 pictures a second on a free core; a tenth of that on a busy one."""
    jobs = [(CONCEPTS[name], index) for name in NAMES for index in range(10)]
    concept_example(0, concept=CONCEPTS["woodcut"])
    start = time.process_time()
    for concept, index in jobs:
        concept_example(index, concept=concept)
    assert (time.process_time() - start) / len(jobs) < 1 / 30
