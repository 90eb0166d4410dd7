"""The flickering whisker: a few pixels that toggle along a journey while what is around them barely changes.

Between two neighbouring frames a pixel toggles when it moves by `size` levels or more against the mean of its
neighbourhood, which takes away light and shadow that come over a whole part of the picture. Near pixels that go
together, or the other way round, are a region. A step is a toggle of the region when half of its pixels go along and
its surroundings do not. What alternates so between two levels, away and back at least twice, flickers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

from garasu.glass.speed import Floats, pixel_distance
from garasu.glass.toggles import Place, Region, Values, regions, signs

SIZE = 24.0  # levels of 255 in one channel: less is easily overlooked
TOGGLES = 4  # away, back, away, back
SMALLEST = 3  # pixels: less is noise
LARGEST = 0.05  # of the picture's area: a larger region is no detail
PAUSE = 0.1  # of the way: a detail that stays as it is for longer does not flicker
_WINDOW = 15  # pixels, side of the neighbourhood whose mean is taken away
_MARGIN = 6  # pixels around a region's box that count as its surroundings
_QUIET = 1 / 4  # of the region's own change: surroundings that change more take part in it
_CALM = 6.0  # levels of 255: where the whole picture changes more, it is a storm that shakes the region

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels, as PIL's crop takes them


@dataclass(frozen=True)
class Flicker:
    """A region that toggles."""

    box: Box
    pixels: int  # in the region
    frames: tuple[int, ...]  # index of the first frame of each new state
    at: tuple[float, ...]  # u halfway to those frames
    size: float  # mean change of the region's pixels in its toggles, levels of 255
    around: float  # mean change of the surroundings in the same steps

    def __str__(self) -> str:
        left, top, right, bottom = self.box
        where = f"x {left}–{right - 1}, y {top}–{bottom - 1}"
        return (
            f"flicker at {where} ({self.pixels} px): {len(self.frames)} toggles of {self.size:.0f} levels at frames "
            f"{', '.join(map(str, self.frames))}; around it {self.around:.1f}"
        )


def find_flickers(
    pictures: Sequence[Image.Image], u: Sequence[float], *, size: float = SIZE, toggles: int = TOGGLES
) -> tuple[Flicker, ...]:
    """The regions of a film of equally large pictures at positions `u` that flicker, the most striking first."""
    places = np.asarray(u)
    pause = PAUSE * float(places[-1] - places[0])
    largest = LARGEST * pictures[0].width * pictures[0].height
    found = []
    for region in regions(lambda index: _residual(pictures[index]), places, size=size, toggles=toggles, pause=pause):
        if SMALLEST <= len(region.places) <= largest:
            steps, own, around = _toggles(pictures, region, size)
            if len(steps) >= toggles and _two_levels(region.series.mean(axis=1), steps, size / 2):
                at = tuple(float(places[step] + places[step + 1]) / 2 for step in steps)
                frames = tuple(step + 1 for step in steps)
                found.append(Flicker(_box(region.places), len(region.places), frames, at, own, around))
    return tuple(sorted(found, key=lambda one: one.size * one.pixels * len(one.frames), reverse=True))


def _toggles(pictures: Sequence[Image.Image], region: Region, size: float) -> tuple[list[int], float, float]:
    """The steps in which a region toggles, up and down in turns, and how it and its surroundings change in them.

    The longest such sequence without a step in which the surroundings go along, or the picture storms.
    """
    share = signs(np.diff(region.series, axis=0), size).mean(axis=1)  # [N-1]
    surroundings = _Surroundings(pictures, region.places)
    best: list[int] = []
    now: list[int] = []
    changes = {}
    for step in range(region.first, region.last + 1):
        if abs(share[step]) < 0.5:
            continue
        own, around = changes[step] = surroundings.changes(step)
        if around > _QUIET * own or pixel_distance(pictures[step], pictures[step + 1]) > _CALM:
            now = []
        elif not now or share[step] * share[now[-1]] < 0:
            now = [*now, step]
        best = max(best, now, key=len)
    own, around = np.mean([changes[step] for step in best], axis=0).tolist() if best else (0.0, 0.0)
    return best, own, around


def _two_levels(levels: Floats, toggles: Sequence[int], gap: float) -> bool:
    """Whether a region [N] is, between its toggles, at one of two levels that are `gap` apart at least."""
    edges = [toggles[0], *(step + 1 for step in toggles), toggles[-1] + 2]
    means = [levels[first:end].mean() for first, end in pairwise(edges)]
    odd, even = means[::2], means[1::2]
    return bool(min(odd) - max(even) >= gap or min(even) - max(odd) >= gap)


class _Surroundings:
    """A region and what is around it, cut out of the frames."""

    def __init__(self, pictures: Sequence[Image.Image], region: Sequence[Place]) -> None:
        self.pictures = pictures
        left, top, right, bottom = _box(region)
        width, height = pictures[0].size
        self.box = (
            max(0, left - _MARGIN),
            max(0, top - _MARGIN),
            min(width, right + _MARGIN),
            min(height, bottom + _MARGIN),
        )
        self.inside = np.zeros((self.box[3] - self.box[1], self.box[2] - self.box[0]), bool)
        self.inside[tuple((np.array(region) - (self.box[1], self.box[0])).T)] = True
        self.outside = ~_grown(_grown(self.inside))  # an antialiased edge belongs to neither

    def changes(self, step: int) -> tuple[float, float]:
        """Mean absolute change of the region and of its surroundings in a step, levels of 255."""
        before, after = (_levels(self.pictures[index].crop(self.box)) for index in (step, step + 1))
        moved = np.abs(after - before).mean(axis=2)
        return float(moved[self.inside].mean()), float(moved[self.outside].mean())


def _residual(picture: Image.Image) -> Values:
    """A picture without its neighbourhoods' means, [H, W, 3]."""
    levels = torch.from_numpy(_levels(picture)).permute(2, 0, 1)
    mean = levels
    for side in ((1, _WINDOW), (_WINDOW, 1)):  # the mean of the rows' means, which costs less than the window's
        padding = side[0] // 2, side[1] // 2
        mean = F.avg_pool2d(mean, side, stride=1, padding=padding, count_include_pad=False)
    return np.asarray((levels - mean).permute(1, 2, 0).numpy())


def _levels(picture: Image.Image) -> Values:
    return np.asarray(picture.convert("RGB")).astype(np.float32)


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask with the pixels that touch it."""
    padded = np.pad(mask, 1)
    height, width = mask.shape
    shifted = [padded[dy : dy + height, dx : dx + width] for dy in range(3) for dx in range(3)]
    return np.asarray(np.logical_or.reduce(shifted))


def _box(region: Sequence[Place]) -> Box:
    rows, columns = zip(*region, strict=True)
    return min(columns), min(rows), max(columns) + 1, max(rows) + 1
