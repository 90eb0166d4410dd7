"""Aspect-ratio buckets: the sizes that pictures of any shape are trained at, each with about the same area."""

from __future__ import annotations

Size = tuple[int, int]  # width, height in pixels


def bucket_sizes(
    largest: Size, *, step: int = 64, least: int = 256, most: int = 1024, base: Size | None = None
) -> list[Size]:
    """Sizes by NovelAI's algorithm ("NovelAI improvements on Stable Diffusion", 2022), narrow to wide.

    For every width the greatest height whose area is within ``largest``'s, then the same with the sides exchanged;
    ``base``, the model's own square size, is added. The defaults with ``largest`` (768, 512) and ``base`` (512, 512)
    are NovelAI's own 19 buckets.

    Args:
        largest: its area bounds every bucket's.
        step: all sides are multiples of it; 8 times 2 for every downsampling of the U-Net.
        least: shortest side.
        most: longest side.
        base: a size that is wanted in any case.
    """
    area = largest[0] * largest[1]
    found = set() if base is None else {base}
    for side in range(least, most + 1, step):
        other = min(area // side, most) // step * step
        if other >= least:
            found |= {(side, other), (other, side)}
    return sorted(found, key=lambda size: (size[0] / size[1], size[0]))
