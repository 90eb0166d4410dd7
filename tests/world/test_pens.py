"""Pens: each style's own character, measured on the picture."""

import random
from dataclasses import replace

import numpy as np
import pytest
import skia
from numpy.typing import NDArray

from garasu.world.carved_pens import BLOCK, CREAM, TINT, WoodcutPen
from garasu.world.colors import FUR, WHITE, luminance
from garasu.world.pens import Pen, snapshot
from garasu.world.render import PENS, render
from garasu.world.scene import STYLES, Scene
from garasu.world.shapes import rectangle

CAT = Scene("cat", background_color="blue", pose="sitting", fur="orange", pattern="tabby", eyes="green")


def picture(style: str, size: int = 128, seed: int = 0) -> NDArray[np.int64]:
    return render(replace(CAT, style=style), size, seed).astype(np.int64)


def noise(pixels: NDArray[np.int64]) -> float:
    """Mean difference between neighbouring rows at the top, where nothing but background is."""
    return float(np.abs(np.diff(pixels[:5], axis=0)).mean())


def test_every_style_has_a_pen() -> None:
    assert PENS.keys() == STYLES.keys()
    assert len(set(PENS.values())) == len(PENS)


def test_flat_grounds_are_flat_and_others_are_not() -> None:
    assert noise(picture("flat")) == 0
    for style in ("pencil", "colored pencil", "charcoal", "watercolor", "munch"):
        assert noise(picture(style)) > 0.5, style


@pytest.mark.parametrize(("size", "cell"), [(128, 4), (64, 2), (100, 3)])
def test_pixel_art_consists_of_squares(size: int, cell: int) -> None:
    whole = size // cell * cell
    squares = picture("pixel art", size)[:whole, :whole].reshape(whole // cell, cell, whole // cell, cell, 3)
    assert (squares == squares[:, :1, :, :1]).all()


def test_munch_paints_the_sky_orange() -> None:
    beach = replace(CAT, background="beach", background_color="none")
    red, _, blue = render(replace(beach, style="munch"), 128, 0)[:6].reshape(-1, 3).mean(0)
    assert red > blue + 60
    red, _, blue = render(beach, 128, 0)[:6].reshape(-1, 3).mean(0)
    assert blue > red + 40


def test_munch_strokes_spare_the_face() -> None:
    """On average the painted-over picture stays near the flat one."""
    munch, flat = picture("munch"), picture("flat")
    assert np.abs(munch - flat).mean() < 16


def test_kandinsky_draws_geometry_beside_the_subject() -> None:
    """At the sides there are far more colours than the ground's."""
    assert len(np.unique(picture("flat")[:40, :24].reshape(-1, 3), axis=0)) < 5
    assert len(np.unique(picture("kandinsky")[:40, :24].reshape(-1, 3), axis=0)) > 20


def test_charcoal_paper_is_darker_than_pencil_paper() -> None:
    white = replace(CAT, background_color="white")
    pencil, charcoal = (render(replace(white, style=style), 64, 0)[:6].mean() for style in ("pencil", "charcoal"))
    assert charcoal + 20 < pencil


@pytest.mark.parametrize("style", STYLES)
def test_the_outline_stays_visible_around_black(style: str) -> None:
    pen = PENS[style](skia.Surface(8, 8).getCanvas(), random.Random(0), 1.0)
    assert abs(luminance(pen.edge(FUR["black"])) - luminance(FUR["black"])) > 40
    assert luminance(pen.edge(WHITE)) < 120


def test_a_pen_that_is_not_outlined_paints_inside_only() -> None:
    surface = skia.Surface(16, 16)
    surface.getCanvas().clear(skia.ColorWHITE)
    pen = Pen(surface.getCanvas(), random.Random(0), 1.0)
    pen.fill(rectangle(4, 4, 12, 12), (10, 20, 30), outlined=False)
    pixels = snapshot(surface)
    assert (pixels[4:12, 4:12] == (10, 20, 30)).all()
    assert (pixels.reshape(-1, 3) == 255).all(1).sum() == 16 * 16 - 64


def woodcut(**change: str) -> NDArray[np.int64]:
    return render(replace(CAT, **change), 128, 0, WoodcutPen).astype(np.int64)


def near(pixels: NDArray[np.int64], color: tuple[float, ...]) -> float:
    """The share of pixels about this colour."""
    return float((np.abs(pixels - np.array(color)).max(2) < 40).mean())


def test_a_woodcut_is_black_cream_and_one_tint() -> None:
    """Little lies between the three, while charcoal and pencil are mostly grays."""
    beach = replace(CAT, background="beach", background_color="none")
    for scene in (CAT, replace(CAT, fur="gray"), beach):
        cut = render(scene, 128, 0, WoodcutPen).astype(np.int64)
        assert near(cut, BLOCK) > 0.08
        assert near(cut, CREAM) > 0.2
        assert sum(near(cut, color) for color in (BLOCK, CREAM, TINT)) > 0.7
    assert sum(near(picture("charcoal"), color) for color in (BLOCK, CREAM)) < 0.3


def test_a_woodcut_tints_what_is_warm_and_vivid() -> None:
    assert near(woodcut(fur="orange"), TINT) > 0.1
    for fur in ("black", "white", "gray", "brown"):
        assert near(woodcut(fur=fur), TINT) < 0.01, fur


def test_a_woodcut_keeps_the_order_of_tones() -> None:
    """More black in darker fur, measured on the chest."""
    dark = [
        near(woodcut(fur=fur, pattern="plain")[82:106, 50:78], BLOCK) for fur in ("black", "brown", "gray", "white")
    ]
    assert dark[0] > 0.6
    assert dark == sorted(dark, reverse=True)
    assert dark[2] > dark[3] + 0.1


def test_a_black_cat_stands_out_at_night_in_a_woodcut() -> None:
    """A line is carved out around it, and around its stripes."""
    night = {"background": "night", "background_color": "none", "fur": "black"}
    tabby, plain = woodcut(**night), woodcut(**night, pattern="plain")
    assert near(plain[40:110, 40:90], CREAM) > 0.1
    assert near(tabby[82:106, 44:84], CREAM) > near(plain[82:106, 44:84], CREAM) + 0.03
    small = {**night, "subject": "kitten"}  # whose stripes are thin
    tabby, plain = woodcut(**small), woodcut(**small, pattern="plain")
    assert near(tabby[45:62, 48:80], CREAM) > near(plain[45:62, 48:80], CREAM) + 0.03
