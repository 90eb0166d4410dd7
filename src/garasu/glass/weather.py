"""Calm, storm and jumps: where along a journey the picture moves fast.

Everything is judged against the journey's own typical speed, the median over the way (not over the frames, of which an
adaptive film has more where it storms), in multiples of the median absolute deviation from it (MAD): both stay what
they are when a few steps are very fast. For normally distributed speeds a standard deviation is 1.48 MAD.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np

from garasu.glass.speed import Floats

STORM_MADS, STORM_TIMES = 3.0, 2.0  # a storm is faster than the typical speed by so many MAD, and so many times
JUMP_MADS, JUMP_TIMES = 8.0, 4.0  # likewise a jump
VISIBLE = 1.0  # levels of 255 by which a step must change the picture to be a jump: less is not seen as one
STILL = 1.0  # levels of 255 over the whole journey: a typical speed below it is no movement
SHORTEST = 3  # steps; a calm or a storm of fewer, and of less than BRIEF, belongs to what is around it unless it jumps
BRIEF = 0.04  # of the way

Kind = Literal["calm", "storm"]


@dataclass(frozen=True)
class Jump:
    """A step, or several in a row, in which the picture is suddenly another; the values are those of the fastest."""

    at: float  # u in the middle of the fastest step
    frame: int  # index of the frame after it
    change: float  # mean absolute change of the pixels in that step, levels of 255
    times: float  # its speed in multiples of the journey's typical speed


@dataclass(frozen=True)
class Stretch:
    """A part of the journey in one weather."""

    kind: Kind
    start: float  # u
    end: float
    steps: int
    speed: float  # mean absolute change of the pixels per unit of u, levels of 255
    per_step: float  # the same for one step

    @property
    def length(self) -> float:
        """In u."""
        return self.end - self.start


def weighted_median(values: Floats, weights: Floats) -> float:
    """The value below which, and above which, half of the weight lies."""
    order = np.argsort(values)
    heard = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(heard, heard[-1] / 2)])


def typical(u: Floats, speeds: Floats) -> tuple[float, float]:
    """Median of the speeds over the way, and their median absolute deviation from it."""
    middle = max(weighted_median(speeds, np.diff(u)), STILL / (u[-1] - u[0]))
    return middle, weighted_median(np.abs(speeds - middle), np.diff(u))


def find_jumps(u: Sequence[float], changes: Sequence[float]) -> tuple[Jump, ...]:
    """The jumps of frames at `u`, between which the pixels change by `changes` (mean absolute, levels of 255).

    A jump is faster than the typical speed by 8 MAD and 4 times, and changes the picture by a level at least; steps in
    a row that are as fast are one jump.
    """
    places, moved = np.asarray(u), np.asarray(changes)
    speeds = moved / np.diff(places)
    middle, mad = typical(places, speeds)
    fast = (speeds > middle + max(JUMP_MADS * mad, (JUMP_TIMES - 1) * middle)) & (moved >= VISIBLE)
    return tuple(
        _jump(places, moved, speeds, first + int(speeds[first:end].argmax()), middle)
        for first, end, value in _runs(fast.tolist())
        if value
    )


def find_stretches(u: Sequence[float], changes: Sequence[float]) -> tuple[Stretch, ...]:
    """The journey cut into calm and storm, from its beginning to its end."""
    places, moved = np.asarray(u), np.asarray(changes)
    speeds = moved / np.diff(places)
    middle, mad = typical(places, speeds)
    storm = (speeds > middle + max(STORM_MADS * mad, (STORM_TIMES - 1) * middle)).tolist()
    jumps = {jump.frame - 1 for jump in find_jumps(u, changes)}
    _swallow(places, storm, calm=True, kept=set())
    _swallow(places, storm, calm=False, kept=jumps)
    return tuple(_stretch(places, moved, *run) for run in _runs(storm))


def _swallow(u: Floats, storm: list[bool], *, calm: bool, kept: set[int]) -> None:
    """Turn the weather of runs that are too short and contain none of the steps `kept`; calm only between storms."""
    for first, end, value in list(_runs(storm)):
        between = first > 0 and end < len(storm)
        short = end - first < SHORTEST and u[end] - u[first] < BRIEF * (u[-1] - u[0])
        if value != calm and short and not kept & set(range(first, end)) and (between or not calm):
            storm[first:end] = [not value] * (end - first)


def _runs(values: Sequence[bool]) -> Iterator[tuple[int, int, bool]]:
    """First index, index after the last, and value of each run of equal values."""
    at = 0
    for value, same in groupby(values):
        length = len(list(same))
        yield at, at + length, value
        at += length


def _jump(u: Floats, changes: Floats, speeds: Floats, step: int, middle: float) -> Jump:
    return Jump(float(u[step] + u[step + 1]) / 2, step + 1, float(changes[step]), float(speeds[step] / middle))


def _stretch(u: Floats, changes: Floats, first: int, end: int, storm: bool) -> Stretch:
    moved = float(changes[first:end].sum())
    length = float(u[end] - u[first])
    steps = end - first
    return Stretch("storm" if storm else "calm", float(u[first]), float(u[end]), steps, moved / length, moved / steps)
