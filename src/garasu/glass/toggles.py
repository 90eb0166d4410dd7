"""Pixels that go up and down in turns, and which of them do so together.

A film is gone through frame by frame, since a long film of large pictures is too large as numbers; of the few pixels
that toggle often the whole series is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
Place = tuple[int, int]  # row and column

_SEARCHES = 200  # regions looked for, from the most striking pixels on
_ALIKE = 0.7  # correlation of the steps of two pixels that go together
_GAP = 2  # pixels from one pixel of a region to the next


@dataclass(frozen=True)
class Region:
    """Pixels that toggle together, from step `first` to step `last`."""

    places: list[Place]
    series: NDArray[np.float64]  # [N, pixels], all of them turned so that they go up together
    first: int
    last: int


def signs(steps: NDArray[np.floating], size: float) -> NDArray[np.int8]:
    """1 where a step goes up by `size` or more, -1 where down, else 0."""
    return np.asarray((steps >= size).astype(np.int8) - (steps <= -size).astype(np.int8))


def regions(
    frame: Callable[[int], Values], u: NDArray[np.float64], *, size: float, toggles: int, pause: float
) -> Iterator[Region]:
    """The regions of a film `frame(index)` [H, W, C] at places `u` [N], the most striking first; no pixel twice.

    Args:
        size: levels by which a pixel moves in a step to toggle.
        toggles: a pixel must go up and down in turns so often.
        pause: toggles that lie farther apart in `u` do not belong together.
    """
    before = frame(0)
    runs = _Runs(before.shape, size, pause)
    for step in range(len(u) - 1):
        after = frame(step + 1)
        runs.add(after - before, float(u[step]), float(u[step + 1]), step)
        before = after
    best = runs.candidates(toggles)  # [P, 3]
    if len(best) == 0:
        return
    series = np.stack([frame(index)[tuple(best.T)] for index in range(len(u))]).astype(np.float64)  # [N, P]
    left = {(int(y), int(x)): index for index, (y, x, _) in enumerate(best)}
    for seed in list(left)[:_SEARCHES]:
        if seed in left:
            first, last = (int(side[tuple(best[left[seed]])]) for side in (runs.best_start, runs.best_end))
            yield _grown(seed, left, series, first, last)


def _grown(seed: Place, left: dict[Place, int], series: NDArray[np.float64], first: int, last: int) -> Region:
    """The pixels near a seed, and near those, that go along with it; taken out of `left`."""
    steps = np.diff(series[first : last + 2], axis=0)  # [steps, P]
    lengths = np.linalg.norm(steps, axis=0)
    alike = steps[:, left[seed]] @ steps / (lengths * lengths[left[seed]] + 1e-9)  # [P]
    places, indices, edge = [seed], [left.pop(seed)], [seed]
    reach = range(-_GAP, _GAP + 1)
    while edge:
        y, x = edge.pop()
        for near in ((y + dy, x + dx) for dy in reach for dx in reach):
            if near in left and abs(alike[left[near]]) >= _ALIKE:
                places.append(near)
                indices.append(left.pop(near))
                edge.append(near)
    return Region(places, series[:, indices] * np.sign(alike[indices]), first, last)


class _Runs:
    """For each value of a film [H, W, C] its best run of toggles: that in which it moves most altogether."""

    def __init__(self, shape: tuple[int, ...], size: float, pause: float) -> None:
        self.size, self.pause = size, pause
        self.sign, self.at = np.zeros(shape, np.int8), np.full(shape, -np.inf)  # of the last toggle
        self.count, self.start, self.moved = (np.zeros(shape, kind) for kind in (np.int32, np.int32, np.float32))
        self.best_count, self.best_start, self.best_end = (np.zeros(shape, np.int32) for _ in range(3))
        self.best_moved = np.zeros(shape, np.float32)

    def add(self, change: Values, before: float, after: float, step: int) -> None:
        """The next step, from u `before` to `after`."""
        sign = signs(change, self.size)
        rested = before - self.at > self.pause
        turned = (sign != 0) & ((sign != self.sign) | rested)
        begun = turned & rested
        self.count[begun], self.start[begun], self.moved[begun] = 0, step, 0
        self.count[turned] += 1
        self.moved[turned] += np.abs(change)[turned]
        self.sign[turned], self.at[turned] = sign[turned], after
        best = turned & (self.moved > self.best_moved)
        self.best_moved[best], self.best_count[best] = self.moved[best], self.count[best]
        self.best_start[best], self.best_end[best] = self.start[best], step

    def candidates(self, toggles: int) -> NDArray[np.int64]:
        """Row, column and channel of the values that toggle so often, [P, 3], those that move most first.

        Of each pixel the channel that moves most.
        """
        moved = np.where(self.best_count >= toggles, self.best_moved, 0)
        strongest = moved.max(axis=2)
        rows, columns = np.nonzero(strongest)
        order = np.argsort(-strongest[rows, columns], kind="stable")
        rows, columns = rows[order], columns[order]
        return np.stack([rows, columns, moved[rows, columns].argmax(axis=1)], axis=1)
