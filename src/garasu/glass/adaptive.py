"""Frames where the picture moves: a film whose visual speed is as even as the journey allows.

Evenly placed frames hardly differ in the calm and leap in the storm. `adaptive` starts from a few of them and puts the
next ones into the middle of the steps in which the picture changes most, then keeps those that cut the whole visual
way, from the first frame over all others to the last, into parts of one length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise

import numpy as np
from PIL import Image

from garasu.glass.journey import Frame, JourneyError
from garasu.glass.speed import pixel_distance

FrameAt = Callable[[Sequence[float]], Sequence[Frame]]
Distance = Callable[[Image.Image, Image.Image], float]
Step = tuple[float, float]  # u before and after

FINER = 2.0  # frames made for each frame kept
BATCH = 16  # frames asked for together
SMALLEST = 1 / 4096  # of the way: below it a bfloat16 network's rounding moves the picture more than the words do
_START = 17  # evenly placed frames that the search begins with, at most


def adaptive(
    frame_at: FrameAt,
    count: int,
    *,
    finer: float = FINER,
    batch: int = BATCH,
    smallest: float = SMALLEST,
    distance: Distance = pixel_distance,
) -> list[Frame]:
    """The `count` frames of a journey, from u 0 to 1, whose neighbours are as evenly apart as it finds.

    Args:
        frame_at: makes the frames at several u; asked for each u once, the first two of them 0 and 1.
        count: frames of the film.
        finer: how many times as many frames are made, to choose from; 1 makes no more than are kept.
        batch: how many u are asked for at once.
        smallest: no two frames are closer than this in u.
        distance: how unlike two pictures are.

    Raises JourneyError for fewer than two frames, `finer` below 1, or steps too small for the count.
    """
    if count < 2:
        raise JourneyError(f"a film needs two frames at least, not {count}: ask for more")
    if finer < 1:
        raise JourneyError(f"at least as many frames must be made as are kept: finer is {finer}, give 1 or more")
    return chosen(refined(frame_at, round(finer * count), batch, smallest, distance), count, distance)


def refined(frame_at: FrameAt, count: int, batch: int, smallest: float, distance: Distance) -> list[Frame]:
    """Up to `count` frames in order: a few at even steps, the others in the middle of the largest steps.

    Fewer where no step can be halved without becoming smaller than `smallest`.
    """
    places = np.linspace(0, 1, min(_START, count)).tolist()
    asked = [0.0, 1.0, *places[1:-1]]
    frames: dict[float, Frame] = {}
    apart: dict[Step, float] = {}
    while asked:
        for first in range(0, len(asked), batch):
            frames |= {frame.u: frame for frame in frame_at(asked[first : first + batch])}
        steps = list(pairwise(sorted(frames)))
        apart |= {(a, b): distance(frames[a].picture, frames[b].picture) for a, b in steps if (a, b) not in apart}
        asked = halved({step: apart[step] for step in steps}, min(batch, count - len(frames)), smallest)
    return [frames[u] for u in sorted(frames)]


def halved(apart: Mapping[Step, float], count: int, smallest: float) -> list[float]:
    """Up to `count` middles of the largest steps, none of whose halves is smaller than `smallest`.

    Half of a step counts as half as far apart until it is known better, so a large one may be cut several times.
    """
    heap = [(-far, a, b) for (a, b), far in apart.items()]  # the largest comes first
    heapify(heap)
    middles: list[float] = []
    while heap and len(middles) < count:
        far, a, b = heappop(heap)
        middle = (a + b) / 2
        if min(middle - a, b - middle) >= smallest:
            middles.append(middle)
            heappush(heap, (far / 2, a, middle))
            heappush(heap, (far / 2, middle, b))
    return middles


def chosen(frames: Sequence[Frame], count: int, distance: Distance = pixel_distance) -> list[Frame]:
    """Of ordered frames those `count`, ends included, that are nearest to equal parts of the whole visual way.

    Raises JourneyError if there are fewer.
    """
    if len(frames) < count:
        raise JourneyError(
            f"only {len(frames)} of {count} frames lie far enough apart: ask for fewer, or for smaller steps"
        )
    moved = [distance(a.picture, b.picture) for a, b in pairwise(frames)]
    way = np.concatenate([[0.0], np.cumsum(moved)])
    targets = np.linspace(0, way[-1], count)
    kept: list[int] = []
    for index, target in enumerate(targets):
        first, last = kept[-1] + 1 if kept else 0, len(frames) - count + index
        kept.append(first + int(np.abs(way[first : last + 1] - target).argmin()))
    kept[-1] = len(frames) - 1  # where the picture stands still at the end, several frames are as near
    return [frames[index] for index in kept]
