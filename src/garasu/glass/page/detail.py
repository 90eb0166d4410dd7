"""How much of a record goes into a page, so that it stays small enough to send around."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from garasu.glass.page.maps import attention_steps, shown_words, stack_size, stacks
from garasu.glass.record.opening import Record
from garasu.glass.record.walk import Walk

MB = 10**6
LONGEST = 256  # pixels of a decoded picture on the page
_BASE64 = 4 / 3
_HALF = 2  # bytes of a float16
_PER_PIXEL = {"x0": 0.28, "latent": 0.38}  # bytes of a WebP; of 10 runs of the bundled model none took more on average
_PER_PICTURE = 200  # bytes before its pixels
_FRAME = 60_000  # the page without a record
Decode = Literal["auto", "always", "finished"]
DECODE = ("auto", "always", "finished")


class PageError(ValueError):
    """A page that cannot be made; the message says why and what to do."""


@dataclass(frozen=True)
class Detail:
    """``every`` so many steps, ``each`` layer or means only, maps of at most ``side`` places."""

    every: int
    each: bool
    side: int

    def __str__(self) -> str:
        steps = "every step" if self.every == 1 else f"every {self.every} steps"
        return f"{steps}, {'each attention layer' if self.each else 'means of attention layers'}"


def shown_steps(walk: Walk, every: int) -> tuple[int, ...]:
    """Every so many steps, and the last one."""
    return tuple(sorted({*range(0, len(walk), every), len(walk) - 1}))


def fitting(records: Sequence[Record], every: int, limit: float, decode: Decode) -> tuple[Detail, float]:
    """The most detail that fits into ``limit`` MB, and the MB that it will take, about.

    Raises:
        PageError: a number out of range, or nothing fits.
    """
    if every < 1:
        raise PageError(f"a page shows every 1st, 2nd, … step, not every {every}th: take 1 or more")
    if decode not in DECODE:
        raise PageError(f"pictures are decoded {', '.join(DECODE[:-1])} or {DECODE[-1]}, not {decode!r}")
    size = 0.0
    for detail in _ladder(every, max(len(walk) for record in records for walk in record.walks)):
        size = (_FRAME + sum(_size(record, detail, decode) for record in records)) / MB
        if size <= limit:
            return detail, size
    raise PageError(f"the smallest page of this takes {size:.2g} MB: allow that much with --limit, not {limit:g}")


def decodes(walk: Walk, factor: int, decode: Decode) -> bool:
    """Whether the pictures on the way are decoded: else they are linear previews of the latents."""
    small = max(walk.grid) * factor <= LONGEST
    return decode == "always" or (decode == "auto" and small)


def _ladder(every: int, most: int) -> Iterator[Detail]:
    """From all to ever less."""
    while True:
        yield from (Detail(every, each, side) for each, side in ((True, 64), (False, 64), (False, 32)))
        if every >= most:
            return
        every *= 2


def _size(record: Record, detail: Detail, decode: Decode) -> float:
    return sum(_walk_size(record, walk, detail, decode) for walk in record.walks)


def _walk_size(record: Record, walk: Walk, detail: Detail, decode: Decode) -> float:
    """In bytes: the numbers to the byte, the pictures about."""
    shown, (height, width) = shown_steps(walk, detail.every), walk.grid
    steps, maps = len(shown), 0
    if words := len(shown_words(record, walk)):
        sizes = [stack_size(walk, names, detail.side) for names in stacks(walk, each=detail.each).values()]
        maps = len(set(attention_steps(walk, shown))) * words * sum(tall * wide for tall, wide in sizes)
    numbers = (steps * 9 * height * width + maps) * _HALF  # x0, ε and guidance
    pixels = height * width * min(8, LONGEST / max(height, width)) ** 2
    pictures = [_PER_PICTURE + each * pixels for each in _PER_PIXEL.values()]
    decoded = sum(pictures) * steps if decodes(walk, 8, decode) else pictures[0]
    return (numbers + decoded) * len(walk.labels) * _BASE64
