"""Pictures: deterministic, any size, every attribute visible where it should be."""

import hashlib
import random
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from garasu.world.colors import EYES, FUR, PLAIN
from garasu.world.render import render, render_with_faces
from garasu.world.scene import BACKGROUNDS, GRAY_STYLES, STYLES, Scene, SceneError, random_scene

CAT = Scene("cat", background_color="white", pose="sitting", fur="black", pattern="plain", eyes="green")
GIRL = Scene("girl", background_color="white", hair="black", dress="red")
KNIGHT = Scene("knight", background_color="white", shield="red")
CAKE = Scene("cake", background_color="white", icing="pink")
STYLE_NAMES = tuple(STYLES)

PROGRAM = """
import hashlib, random
from garasu.world.render import render
from garasu.world.scene import STYLES, random_scene
rng = random.Random(5)
scenes = [random_scene(rng, style=style) for style in STYLES for _ in range(2)]
order = range(len(scenes))
pictures = {index: render(scenes[index], (96, 80), index) for index in REORDER(order)}
print(hashlib.sha256(b"".join(pictures[index].tobytes() for index in order)).hexdigest())
"""


def run_elsewhere(reorder: str, hash_seed: str) -> str:
    environment = {"PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", PROGRAM.replace("REORDER", reorder)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_another_process_and_another_order_draw_the_same_bytes() -> None:
    rng = random.Random(5)
    scenes = [random_scene(rng, style=style) for style in STYLES for _ in range(2)]
    random.seed(99)  # global state must not matter
    np.random.seed(99)
    here = hashlib.sha256(b"".join(render(scene, (96, 80), i).tobytes() for i, scene in enumerate(scenes))).hexdigest()
    assert run_elsewhere("tuple", "1") == here
    assert run_elsewhere("reversed", "2") == here


@pytest.mark.parametrize("style", STYLE_NAMES)
def test_global_randomness_is_left_alone(style: str) -> None:
    before = random.getstate(), np.random.get_state()[1].copy()
    render(replace(CAT, style=style), 48, 0)
    assert random.getstate() == before[0]
    assert np.array_equal(np.random.get_state()[1], before[1])


@pytest.mark.parametrize("size", [(96, 160), (160, 96), (200, 64), (64, 64), (37, 53), (8, 8), (192, 192)])
@pytest.mark.parametrize("style", STYLE_NAMES)
def test_any_size(style: str, size: tuple[int, int]) -> None:
    picture = render(replace(CAT, style=style), size, 0)
    assert picture.shape == (size[1], size[0], 3)
    assert picture.dtype == np.uint8
    assert picture.flags["C_CONTIGUOUS"]
    assert picture.std() > 5


def test_a_number_is_a_square() -> None:
    assert np.array_equal(render(CAT, 64, 3), render(CAT, (64, 64), 3))


@pytest.mark.parametrize("size", [7, (64, 4), 0])
def test_too_small_is_refused(size: int | tuple[int, int]) -> None:
    with pytest.raises(SceneError, match="at least 8"):
        render(CAT, size, 0)


def test_another_seed_draws_another_picture() -> None:
    assert len({render(CAT, 64, seed).tobytes() for seed in range(20)}) == 20


def changes() -> list[tuple[Scene, dict[str, str]]]:
    """Every attribute of some scene, with another value."""
    cats = [
        {"subject": "kitten"}, {"background_color": "pink"}, {"background": "sea", "background_color": "none"},
        {"count": "2"}, {"count": "3"}, {"place": "left"}, {"place": "right"}, {"pose": "sleeping", "eyes": "none"},
        {"fur": "gray"}, {"pattern": "tabby"}, {"pattern": "bicolor"}, {"eyes": "blue"}, {"accessory": "red hat"},
        {"accessory": "blue collar"}, {"accessory": "flower"}, {"accessory": "crown"},
    ]  # fmt: skip
    return [(CAT, change) for change in cats] + [
        (GIRL, {"hair": "blue"}),
        (GIRL, {"dress": "yellow"}),
        (KNIGHT, {"shield": "green"}),
        (KNIGHT, {"accessory": "crown"}),
        (CAKE, {"icing": "green"}),
    ]


@pytest.mark.parametrize("style", STYLE_NAMES)
@pytest.mark.parametrize(("scene", "change"), changes(), ids=lambda v: str(getattr(v, "subject", v)))
def test_every_attribute_changes_the_picture_in_every_style(scene: Scene, change: dict[str, str], style: str) -> None:
    """By far more than rounding: at least 20 px of 128² differ by 24 levels or more."""
    styled = replace(scene, style=style)
    one, other = render(styled, 128, 1).astype(int), render(replace(styled, **change), 128, 1).astype(int)
    gray = style in ("pencil", "charcoal")
    colour_only = change.keys() <= {"eyes", "hair", "dress", "shield", "icing", "background_color"}
    threshold, needed = (3, 1) if gray and colour_only else (24, 20)  # gray styles hide colours, except their tone
    assert (np.abs(one - other).max(2) >= threshold).sum() >= needed


def test_an_edit_keeps_the_rest() -> None:
    """Scenes that differ in the fur only differ inside the cat only."""
    scene = replace(CAT, background="beach", background_color="none")
    same = (render(scene, 128, 4) == render(replace(scene, fur="orange"), 128, 4)).all(2)
    assert same[:, :12].all()
    assert same[:12].all()
    assert not same[40:110, 40:90].all()


def nearest(pixels: NDArray[np.uint8], palette: dict[str, tuple[float, float, float]]) -> str:
    """The palette's colour nearest to the median of the pixels."""
    median = np.median(pixels.reshape(-1, 3), axis=0)
    return min(palette, key=lambda name: float(np.abs(median - np.array(palette[name])).sum()))


def colour_name(pixels: NDArray[np.uint8]) -> str:
    """What one would call the median of the pixels: an oracle that knows nothing of pens and palettes."""
    red, green, blue = np.median(pixels.reshape(-1, 3), axis=0)
    if max(red, green, blue) - min(red, green, blue) > 45:
        return "orange" if red > 190 else "brown"
    light = (red + green + blue) / 3
    return "black" if light < 100 else "white" if light > 205 else "gray"


@pytest.mark.parametrize("fur", FUR)
@pytest.mark.parametrize("style", ["flat", "colored pencil", "watercolor", "pixel art", "munch", "kandinsky"])
def test_fur_has_its_colour(style: str, fur: str) -> None:
    scene = replace(CAT, style=style, fur=fur, background_color="blue")
    found = [colour_name(render(scene, 128, seed)[82:106, 56:72]) for seed in range(8)]
    assert set(found) == {fur}


@pytest.mark.parametrize("style", ["pencil", "charcoal"])
def test_gray_styles_are_gray_and_keep_black_and_white(style: str) -> None:
    tones = {}
    for fur in FUR:
        picture = render(replace(CAT, style=style, fur=fur), 128, 2).astype(int)
        assert (picture.max(2) - picture.min(2)).mean() < 16
        tones[fur] = picture[82:106, 56:72].mean()
    assert tones["black"] + 30 < min(tones["orange"], tones["gray"], tones["brown"])
    assert tones["white"] - 30 > max(tones["orange"], tones["gray"], tones["brown"])


@pytest.mark.parametrize("color", PLAIN)
def test_plain_backgrounds_have_their_colour(color: str) -> None:
    assert nearest(render(replace(CAT, background_color=color), 128, 0)[:8], dict(PLAIN)) == color


@pytest.mark.parametrize("eyes", EYES)
def test_eyes_have_their_colour(eyes: str) -> None:
    """More pixels near this eye colour than near the others."""
    picture = render(replace(CAT, eyes=eyes), 128, 0).astype(int)
    counts = {name: int((np.abs(picture - np.array(color)).sum(2) < 40).sum()) for name, color in EYES.items()}
    assert max(counts, key=lambda name: counts[name]) == eyes
    assert counts[eyes] > 60


@pytest.mark.parametrize(
    ("accessory", "color"),
    [
        ("red hat", (220, 38, 42)),
        ("blue collar", (46, 94, 210)),
        ("flower", (246, 104, 168)),
        ("crown", (246, 200, 50)),
    ],
)
@pytest.mark.parametrize("pose", ["sitting", "sleeping"])
@pytest.mark.parametrize("subject", ["cat", "kitten", "dog"])
def test_accessories_are_worn(subject: str, pose: str, accessory: str, color: tuple[int, ...]) -> None:
    """Their colour appears with them, on at least 60 px of 128²."""
    eyes = "none" if subject == "dog" or pose == "sleeping" else "green"
    bare = replace(CAT, subject=subject, pose=pose, eyes=eyes)
    worn, without = (
        int((np.abs(render(scene, 128, 0).astype(int) - np.array(color)).sum(2) < 40).sum())
        for scene in (replace(bare, accessory=accessory), bare)
    )
    assert worn > without + 60


def extent(scene: Scene, seed: int) -> tuple[int, int, float]:
    """Height and width in px of what is not white, and the middle of its columns."""
    drawn = (255 - render(scene, 128, seed).astype(int)).sum(2) > 120
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    return int(np.ptp(rows)), int(np.ptp(columns)), float(columns.mean())


def test_a_single_cat_is_large_and_a_kitten_smaller() -> None:
    cats = [extent(CAT, seed)[0] for seed in range(10)]
    kittens = [extent(replace(CAT, subject="kitten"), seed)[0] for seed in range(10)]
    assert 0.75 < np.mean(cats) / 128 < 0.9
    assert max(kittens) < min(cats)


def test_a_kittens_head_is_half_of_it() -> None:
    """The head's width against the height of the whole animal, ears to paws: the head grows by 1.28."""

    def head_share(subject: str, seed: int) -> float:
        scene = replace(CAT, subject=subject, fur="orange", background_color="blue")
        orange = np.abs(render(scene, 128, seed).astype(int) - np.array(FUR["orange"])).sum(2) < 60
        rows = np.flatnonzero(orange.any(1))
        head = orange[rows[0] : rows[0] + len(rows) // 2]  # the tail is lower
        return float(np.ptp(np.flatnonzero(head.any(0))) / len(rows))

    kitten, cat = (np.mean([head_share(subject, seed) for seed in range(6)]) for subject in ("kitten", "cat"))
    assert kitten > 1.2 * cat


def test_places_are_where_they_are_said_to_be() -> None:
    middles = {place: extent(replace(CAT, place=place), 0)[2] for place in ("left", "center", "right")}
    assert middles["left"] < 52 < middles["center"] < 78 < middles["right"]


@pytest.mark.parametrize("count", ["2", "3"])
def test_several_are_apart(count: str) -> None:
    """As many separate runs of columns at head height as animals."""
    scene = replace(CAT, count=count)
    drawn = (255 - render(scene, 128, 0).astype(int)).sum(2) > 500  # black fur only
    heads = drawn[: int(np.flatnonzero(drawn.any(1))[0]) + 22].any(0).astype(int)
    bodies = drawn.any(0).sum()
    assert (np.diff(heads, prepend=0) == 1).sum() >= int(count)
    assert bodies > 50


@pytest.mark.parametrize("style", STYLES)
def test_faces_are_where_the_eyes_are(style: str) -> None:
    """Only the eyes differ between two scenes with other eyes, and they lie inside the faces that are told of."""
    scene = replace(CAT, style=style, count="2")
    picture, faces = render_with_faces(scene, 128, 5)
    other = render(replace(scene, eyes="blue"), 128, 5)
    assert np.array_equal(picture, render(scene, 128, 5))
    assert len(faces) == 2
    changed = (picture.astype(int) != other).any(axis=2)
    inside = np.zeros_like(changed)
    for left, top, right, bottom in faces:
        inside[max(top, 0) : bottom, max(left, 0) : right] = True
        assert 20 < right - left < 80
    if style not in GRAY_STYLES:
        assert changed.sum() >= 16
    assert (changed & ~inside).sum() <= 0.2 * changed.sum()  # strokes carry a colour on


def test_cakes_and_knights_have_no_faces() -> None:
    for scene in (CAKE, KNIGHT):
        assert render_with_faces(scene, 128, 0)[1] == []


def test_backgrounds_differ_at_the_sides() -> None:
    """The nearest mean of the side strips tells the background: the subject may cover the middle."""

    def sides(background: str, seed: int) -> NDArray[np.float64]:
        color = "white" if background == "plain" else "none"
        picture = render(replace(CAT, background=background, background_color=color), 128, seed)
        strips = np.concatenate([picture[:, :20], picture[:, -20:]], 1)
        blocks: NDArray[np.float64] = strips.reshape(8, 16, 2, 20, 3).mean((1, 2, 3))
        return blocks

    means = {background: np.mean([sides(background, seed) for seed in range(8)], 0) for background in BACKGROUNDS}
    for background in BACKGROUNDS:
        for seed in range(8, 16):
            seen = sides(background, seed)
            assert min(means, key=lambda name: float(np.abs(means[name] - seen).sum())) == background


@pytest.mark.parametrize(
    ("background", "top", "bottom"),
    [
        ("sea", (170, 212, 245), (50, 120, 192)),
        ("beach", (170, 212, 245), (242, 215, 150)),
        ("bench", (170, 212, 245), (120, 190, 88)),
        ("window", (224, 186, 154), (200, 158, 128)),
        ("night", (28, 34, 86), (34, 68, 58)),
        ("snow", (168, 190, 216), (247, 250, 253)),
    ],
)
def test_backgrounds_have_their_grounds(background: str, top: tuple[int, ...], bottom: tuple[int, ...]) -> None:
    """The median of the uppermost and the lowest rows: sky, wall, sand, water, grass, snow."""
    scene = replace(CAT, background=background, background_color="none")
    for seed in range(5):
        picture = render(scene, 128, seed)
        for rows, color in ((picture[:4], top), (picture[-3:], bottom)):
            assert np.abs(np.median(rows.reshape(-1, 3), axis=0) - np.array(color)).max() < 16


def test_drawing_is_quick() -> None:
    """300 pictures a second on a free core; a tenth of that on a busy one."""
    rng = random.Random(0)
    scenes = [random_scene(rng) for _ in range(60)]
    render(scenes[0], 128, 0)
    start = time.process_time()
    for seed, scene in enumerate(scenes):
        render(scene, 128, seed)
    assert (time.process_time() - start) / len(scenes) < 1 / 30
