from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from garasu.images.boxes import Box
from garasu.images.tiles import TileError, blend, tiles, weights


@st.composite
def layouts(draw):
    tile = draw(st.integers(1, 40))
    size = draw(st.integers(1, 150)), draw(st.integers(1, 150))
    return size, tile, draw(st.integers(0, tile - 1).filter(lambda overlap: tile - overlap >= max(size) / 20))


@given(layouts())
@settings(max_examples=50, deadline=None)
def test_tiles_cover_the_picture_and_overlap_by_what_was_asked(layout):
    size, tile, overlap = layout
    boxes = tiles(size, tile, overlap)
    covered = torch.zeros(size[1], size[0])
    for box in boxes:
        assert box.size == (min(tile, size[0]), min(tile, size[1]))
        covered[box.slices] += 1
    assert covered.min() >= 1
    for low, high in ((0, 2), (1, 3)):
        ordered = sorted({(box[low], box[high]) for box in boxes})
        assert all(before[1] - after[0] >= overlap for before, after in pairwise(ordered))


@given(layouts(), st.sampled_from([1, 3]))
@settings(max_examples=50, deadline=None)
def test_weights_sum_to_exactly_one_and_are_never_negative(layout, factor):
    (width, height), tile, overlap = layout
    boxes = [box.scaled(factor) for box in tiles((width, height), tile, overlap)]
    total = torch.zeros(height * factor, width * factor)
    for box, share in zip(boxes, weights(boxes, (width * factor, height * factor)), strict=True):
        assert share.min() >= 0
        total[box.slices] += share
    assert total.unique().tolist() == [1.0]


@pytest.mark.parametrize(
    ("length", "tile", "overlap", "starts"),
    [
        (64, 64, 8, [0]),
        (30, 64, 8, [0]),
        (65, 64, 8, [0, 1]),
        (120, 64, 8, [0, 56]),
        (121, 64, 8, [0, 28, 57]),
        (128, 64, 0, [0, 64]),
    ],
)
def test_as_few_tiles_as_possible_evenly_spread(length, tile, overlap, starts):
    assert [box.left for box in tiles((length, 1), tile, overlap)] == starts
    assert [box.top for box in tiles((1, length), tile, overlap)] == starts


def test_the_weight_passes_smoothly_over_the_overlap():
    first, second = weights(tiles((24, 1), 16, 8), (24, 1))
    assert first[0, :8].tolist() == [1] * 8
    share = (torch.arange(8) + 0.5) / 8
    assert first[0, 8:].tolist() == pytest.approx((1 - share**2 * (3 - 2 * share)).tolist(), abs=1 / 8192)
    assert torch.equal(second, first.flip(1))


def test_without_overlap_tiles_stand_side_by_side():
    size = (8, 4)
    boxes = tiles(size, 4, 0)
    picture = torch.rand(1, 3, 4, 8)
    assert torch.equal(blend((picture[..., *box.slices] for box in boxes), boxes, size), picture)


@given(layouts())
@settings(max_examples=50, deadline=None)
def test_cut_and_blended_a_picture_is_itself(layout):
    size, tile, overlap = layout
    picture = torch.rand(2, 3, size[1], size[0], generator=torch.Generator().manual_seed(0))
    boxes = tiles(size, tile, overlap)
    again = blend((picture[..., *box.slices] for box in boxes), boxes, size)
    assert torch.allclose(again, picture, atol=1e-6)


def test_boxes_of_a_latent_place_the_pixels():
    boxes = tiles((10, 6), 4, 1)
    pixels = [box.scaled(8) for box in boxes]
    whole = blend((torch.full((1, 3, 32, 32), 0.25) for _ in boxes), pixels, (80, 48))
    assert whole.shape == (1, 3, 48, 80)
    assert whole.unique().tolist() == [0.25]


def test_half_precision_is_summed_in_full():
    boxes = tiles((100, 1), 40, 39)
    whole = blend((torch.full((1, 1, 1, 40), 1.0, dtype=torch.float16) for _ in boxes), boxes, (100, 1))
    assert whole.dtype == torch.float16
    assert whole.unique().tolist() == [1.0]


def test_tiles_that_cannot_be_are_refused():
    for overlap in (-1, 8):
        with pytest.raises(TileError, match=f"cannot overlap by {overlap}: take from 0 to 7"):
            tiles((20, 20), 8, overlap)
    for boxes in ([], [Box(0, 0, 4, 4)], [Box(0, 0, 4, 4), Box(5, 0, 8, 4)]):
        with pytest.raises(TileError, match="do not cover 0 to 8"):
            weights(boxes, (8, 4))
    with pytest.raises(TileError, match="3 boxes are no grid of 2 by 2"):
        weights(tiles((8, 8), 4, 0)[:3], (8, 8))


def test_parts_that_do_not_fit_the_boxes_are_refused():
    boxes = tiles((8, 4), 4, 0)
    part = torch.zeros(1, 3, 4, 4)
    with pytest.raises(TileError, match="fewer parts than boxes: give 2"):
        blend([part], boxes, (8, 4))
    with pytest.raises(TileError, match="more parts than boxes: give 2"):
        blend([part] * 3, boxes, (8, 4))
    with pytest.raises(TileError, match="part 2 is 5x4: give its box's size, 4x4"):
        blend([part, torch.zeros(1, 3, 4, 5)], boxes, (8, 4))
