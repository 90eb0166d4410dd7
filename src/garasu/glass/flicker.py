"""The flickering whisker: a few pixels that toggle along a journey while what is around them barely changes.

Between two neighbouring frames a pixel toggles when it moves by `size` levels or more against the mean of its
neighbourhood, which takes away light and shadow that come over a whole part of the picture. Pixels that toggle often
and lie together are a region; a step is a toggle of the region when half of its pixels go along and its
surroundings do not. What alternates so between two levels, away and back at least twice, flickers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

from garasu.glass.speed import Floats

SIZE = 24.0  # levels of 255 in one channel: less is easily overlooked
TOGGLES = 4  # away, back, away, back
LARGEST = 0.02  # of the picture's area: a larger region is no detail
_WINDOW = 15  # pixels, side of the neighbourhood whose mean is taken away
_MARGIN = 6  # pixels around a region's box that count as its surroundings
SMALLEST = 3  # pixels: less is noise
_GAP = 2  # pixels from one pixel of a region to the next
_QUIET = 1 / 3  # of the region's own change: surroundings that change more take part in it
_PAUSE = 0.1  # of the way: a detail that stays as it is for longer does not flicker
_CALM = 6.0  # levels of 255: surroundings that change more are not calm, whatever the region does

Mask = NDArray[np.bool_]
Place = tuple[int, int]  # row and column
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
    if len(pictures) < toggles + 1:
        return ()
    film = _Film(pictures, size)
    regions = list(_regions(film.toggling(toggles), int(LARGEST * film.area)))
    series = film.residuals([place for region in regions for place in region])  # [N, pixels of all regions]
    found, first = [], 0
    for region in regions:
        flicker = _flicker(film, region, series[:, first : first + len(region)], u, toggles)
        first += len(region)
        found += [] if flicker is None else [flicker]
    return tuple(sorted(found, key=lambda one: one.size * one.pixels * len(one.frames), reverse=True))


class _Film:
    """The frames, one at a time: a long film of large pictures is too large as numbers."""

    def __init__(self, pictures: Sequence[Image.Image], size: float) -> None:
        self.pictures, self.size = pictures, size
        self.area = pictures[0].width * pictures[0].height

    def frame(self, index: int) -> Floats:
        """[H, W, 3] in levels of 255."""
        return np.asarray(self.pictures[index].convert("RGB")).astype(np.float64)

    def residual(self, index: int) -> NDArray[np.float32]:
        """The frame without its neighbourhoods' means, [H, W, 3]."""
        frame = torch.from_numpy(self.frame(index)).float().permute(2, 0, 1)
        mean = F.avg_pool2d(frame, _WINDOW, stride=1, padding=_WINDOW // 2, count_include_pad=False)
        return np.asarray((frame - mean).permute(1, 2, 0).numpy())

    def steps(self) -> Iterator[NDArray[np.float32]]:
        """How the residual changes from frame to frame, [H, W, 3] each."""
        before = self.residual(0)
        for index in range(1, len(self.pictures)):
            now = self.residual(index)
            yield now - before
            before = now

    def toggling(self, toggles: int) -> Mask:
        """The pixels that toggle up and down in turns so often in any channel, [H, W]."""
        shape = (self.pictures[0].height, self.pictures[0].width, 3)
        last, count = np.zeros(shape, np.int8), np.zeros(shape, np.int32)
        for step in self.steps():
            sign = _signs(step, self.size)
            turned = (sign != 0) & (sign != last)
            count += turned
            last[turned] = sign[turned]
        return np.asarray((count >= toggles).any(axis=2))

    def residuals(self, places: Sequence[Place]) -> Floats:
        """The residuals of some pixels in the channel in which each moves most, [N, pixels]."""
        rows, columns = ([place[axis] for place in places] for axis in (0, 1))
        seen = np.stack([self.residual(index)[rows, columns] for index in range(len(self.pictures))])  # [N, P, 3]
        channel = np.abs(np.diff(seen, axis=0)).sum(axis=0).argmax(axis=1)  # [P]
        return np.asarray(np.take_along_axis(seen, channel[None, :, None], axis=2)[..., 0], np.float64)


def _flicker(film: _Film, region: list[Place], series: Floats, u: Sequence[float], toggles: int) -> Flicker | None:
    """What the region does, if it flickers."""
    steps = np.diff(series, axis=0)  # [N-1, P]
    alike = np.sign(steps.T @ steps[:, np.abs(steps).sum(axis=0).argmax()])  # pixels that go down as others go up
    share = (_signs(steps, film.size) * alike).mean(axis=1)  # [N-1]
    candidates = np.flatnonzero(np.abs(share) >= 0.5)
    surroundings = _Surroundings(film, region)
    changes = {int(step): surroundings.changes(int(step)) for step in candidates}
    quiet = {step for step, (own, around) in changes.items() if around <= min(_CALM, _QUIET * own)}
    best = _alternating([(step, share[step] > 0, step in quiet) for step in changes], u)
    levels = (series * alike).mean(axis=1)  # [N]
    if len(best) < toggles or not _two_levels(levels, best, film.size / 2):
        return None
    own, around = np.mean([changes[step] for step in best], axis=0)
    at = tuple((u[step] + u[step + 1]) / 2 for step in best)
    return Flicker(_box(region), len(region), tuple(step + 1 for step in best), at, float(own), float(around))


def _alternating(steps: Sequence[tuple[int, bool, bool]], u: Sequence[float]) -> list[int]:
    """The longest sequence of steps, up and down in turns, without a long pause or a step that is not quiet."""
    best: list[int] = []
    now: list[int] = []
    up = False
    longest = _PAUSE * (u[-1] - u[0])
    for step, rises, quiet in steps:
        if now and u[step] - u[now[-1] + 1] > longest:
            now = []
        if not quiet:
            now = []
        elif not now or rises != up:
            now, up = [*now, step], rises
        best = max(best, now, key=len)
    return best


def _two_levels(levels: Floats, toggles: Sequence[int], gap: float) -> bool:
    """Whether the region is, between its toggles, at one of two levels that are `gap` apart at least."""
    edges = [toggles[0], *(step + 1 for step in toggles), toggles[-1] + 2]
    means = [levels[first:end].mean() for first, end in pairwise(edges)]
    odd, even = means[::2], means[1::2]
    return bool(min(odd) - max(even) >= gap or min(even) - max(odd) >= gap)


class _Surroundings:
    """A region and what is around it, cut out of the frames."""

    def __init__(self, film: _Film, region: list[Place]) -> None:
        self.film = film
        left, top, right, bottom = _box(region)
        width, height = film.pictures[0].size
        self.cut = (
            slice(max(0, top - _MARGIN), min(height, bottom + _MARGIN)),
            slice(max(0, left - _MARGIN), min(width, right + _MARGIN)),
        )
        self.inside = np.zeros((height, width), bool)
        self.inside[tuple(np.array(region).T)] = True
        self.inside = self.inside[self.cut]
        self.outside = ~_grown(_grown(self.inside))  # an antialiased edge belongs to neither

    def changes(self, step: int) -> tuple[float, float]:
        """Mean absolute change of the region and of its surroundings in a step, levels of 255."""
        moved = np.abs(self.film.frame(step + 1)[self.cut] - self.film.frame(step)[self.cut]).mean(axis=2)
        return float(moved[self.inside].mean()), float(moved[self.outside].mean())


def _regions(mask: Mask, largest: int) -> Iterator[list[Place]]:
    """The pixels of a mask [H, W] in groups of near ones, of which each has from `SMALLEST` to `largest`."""
    reach = range(-_GAP, _GAP + 1)
    left = set(zip(*map(np.ndarray.tolist, np.nonzero(mask)), strict=True))
    while left:
        region = edge = [left.pop()]
        while edge:
            near = {(y + dy, x + dx) for y, x in edge for dy in reach for dx in reach} & left
            left -= near
            edge = list(near)
            region = region + edge
        if SMALLEST <= len(region) <= largest:
            yield sorted(region)


def _grown(mask: Mask) -> Mask:
    """A mask with the pixels that touch it."""
    padded = np.pad(mask, 1)
    height, width = mask.shape
    shifted = [padded[dy : dy + height, dx : dx + width] for dy in range(3) for dx in range(3)]
    return np.logical_or.reduce(shifted)


def _signs(steps: Floats | NDArray[np.float32], size: float) -> NDArray[np.int8]:
    """1 where a step goes up by `size`, -1 where down, else 0."""
    return np.asarray((steps >= size).astype(np.int8) - (steps <= -size).astype(np.int8))


def _box(region: Sequence[Place]) -> Box:
    rows, columns = zip(*region, strict=True)
    return min(columns), min(rows), max(columns) + 1, max(rows) + 1
