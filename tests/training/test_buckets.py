"""Aspect-ratio buckets against NovelAI's own list, and what holds for any list."""

import pytest

from garasu.training.buckets import bucket_sizes

NOVELAI = [
    (256, 1024), (320, 1024), (384, 1024), (384, 960), (384, 896), (448, 832), (512, 768), (512, 704), (576, 640),
    (512, 512), (640, 576), (704, 512), (768, 512), (832, 448), (896, 384), (960, 384), (1024, 384), (1024, 320),
    (1024, 256),
]  # fmt: skip


def test_novelais_buckets() -> None:
    assert bucket_sizes((768, 512), base=(512, 512)) == NOVELAI


@pytest.mark.parametrize(
    ("largest", "least", "most"), [((192, 128), 96, 192), ((128, 128), 64, 256), ((160, 160), 32, 512)]
)
def test_every_bucket_is_as_large_as_the_area_allows(largest: tuple[int, int], least: int, most: int) -> None:
    area = largest[0] * largest[1]
    sizes = bucket_sizes(largest, step=32, least=least, most=most)
    assert len(set(sizes)) == len(sizes)
    for width, height in sizes:
        assert (height, width) in sizes
        assert width % 32 == height % 32 == 0
        assert least <= min(width, height) <= max(width, height) <= most
        assert width * height <= area
        taller, wider = height + 32, width + 32
        assert (width * taller > area or taller > most) or (wider * height > area or wider > most)


def test_the_base_size_is_added_once() -> None:
    assert bucket_sizes((128, 128), step=32, least=96, most=192, base=(128, 128)) == [(96, 160), (128, 128), (160, 96)]
