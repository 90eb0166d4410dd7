"""Large pictures in overlapping tiles: where they lie, and how their results melt into one."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from garasu.images.boxes import Box

_LEVELS = 2**12  # weights along one axis are multiples of 1/4096: products and sums of them are exact in float32


class TileError(ValueError):
    """Tiles that do not cover a picture, or results that do not fit them."""


def tiles(size: tuple[int, int], tile: int, overlap: int) -> list[Box]:
    """Boxes of `tile` by `tile` that cover `size` (width, height), row by row, neighbours sharing at least `overlap`.

    As few as possible, evenly spread, all of one size; where the picture is smaller than a tile, they
    are as the picture. The unit is the caller's: for a VAE, cells of the latent (`Box.scaled` gives
    their pixels). Raises TileError unless 0 ≤ overlap < tile.
    """
    if not 0 <= overlap < tile:
        raise TileError(f"tiles of {tile} cannot overlap by {overlap}: take from 0 to {tile - 1}")
    columns, rows = (_starts(length, tile, overlap) for length in size)
    width, height = (min(length, tile) for length in size)
    return [Box(left, top, left + width, top + height) for top in rows for left in columns]


def weights(boxes: Sequence[Box], size: tuple[int, int]) -> list[Tensor]:
    """How much each box's result counts at each of its pixels, [h, w], float32; sums of exactly 1 everywhere.

    `boxes` are all those of `tiles`, perhaps scaled, for a picture of `size` (width, height). Where
    two share pixels the weight passes smoothly from one to the other, over all that they share.
    """
    columns = _passing({(box.left, box.right) for box in boxes}, size[0])
    rows = _passing({(box.top, box.bottom) for box in boxes}, size[1])
    if len(boxes) != len(columns) * len(rows):
        raise TileError(f"{len(boxes)} boxes are no grid of {len(columns)} by {len(rows)}: take those of tiles()")
    return [torch.outer(rows[box.top, box.bottom], columns[box.left, box.right]) for box in boxes]  # [h, w]


def blend(parts: Iterable[Tensor], boxes: Sequence[Box], size: tuple[int, int]) -> Tensor:
    """One [B, C, H, W] from each box's result [B, C, h, w]; `boxes` and `size` as for `weights`.

    `parts` may be a generator, so that no more than one of them is in memory. Sums are taken in
    float32 at least. Raises TileError for a part of another size than its box, and for too few or many.
    """
    shares = weights(boxes, size)
    whole, kind = torch.zeros(()), torch.float32
    for index, part in enumerate(_checked(parts, boxes)):
        if index == 0:
            kind = part.dtype
            exact = torch.promote_types(kind, torch.float32)
            whole = part.new_zeros(*part.shape[:-2], size[1], size[0], dtype=exact)  # [B, C, H, W]
        whole[..., *boxes[index].slices] += part * shares[index].to(whole)
    return whole.to(kind)


def _checked(parts: Iterable[Tensor], boxes: Sequence[Box]) -> Iterator[Tensor]:
    count = 0
    for count, part in enumerate(parts, start=1):
        if count > len(boxes):
            break
        width, height = boxes[count - 1].size
        if part.shape[-2:] != (height, width):
            raise TileError(f"part {count} is {part.shape[-1]}x{part.shape[-2]}: give its box's size, {width}x{height}")
        yield part
    if count != len(boxes):
        raise TileError(f"there are {'more' if count > len(boxes) else 'fewer'} parts than boxes: give {len(boxes)}")


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    if length <= tile:
        return [0]
    count = -(-(length - overlap) // (tile - overlap))  # rounded up
    return [round(index * (length - tile) / (count - 1)) for index in range(count)]


def _passing(intervals: set[tuple[int, int]], length: int) -> dict[tuple[int, int], Tensor]:
    """Weights of intervals along one axis.

    A ramp passes from each interval to the next over what they share. An interval's weight is the ramp
    at its start minus the ramp at its end, so that all together telescope to 1.
    """
    ordered = sorted(intervals)
    meetings = [(after[0], before[1]) for before, after in pairwise(ordered)]
    whole = bool(ordered) and (ordered[0][0], ordered[-1][1]) == (0, length)
    if not whole or any(start > end for start, end in meetings):
        raise TileError(f"the boxes do not cover 0 to {length}: take all those of tiles() for this size")
    ramps = [torch.ones(length), *(_ramp(*meeting, length) for meeting in meetings), torch.zeros(length)]
    return {
        interval: (starting - ending)[slice(*interval)]
        for interval, (starting, ending) in zip(ordered, pairwise(ramps), strict=True)
    }


def _ramp(start: int, end: int, length: int) -> Tensor:
    """0 before `start`, 1 from `end`, smooth between; a step if they are equal."""
    share = ((torch.arange(length) + 0.5 - start) / max(end - start, 1e-9)).clamp(0, 1)
    return (share * share * (3 - 2 * share) * _LEVELS).round() / _LEVELS
