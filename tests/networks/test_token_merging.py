"""Merging pixels: what it may never change, and what it is by the paper."""

import pytest
import torch

from garasu.networks.token_merging import TokenMerged, destinations, find_merge
from garasu.networks.unet import UNet, UNetConfig
from garasu.panes import look

GRIDS = [(4, 6), (5, 7), (8, 8), (2, 3)]


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pixels(grid: tuple[int, int], rows: int = 2, width: int = 5) -> torch.Tensor:
    return torch.randn(rows, grid[0] * grid[1], width, generator=random(1))


@pytest.mark.parametrize("grid", GRIDS)
def test_every_whole_window_has_one_destination(grid):
    goals = destinations(grid, random())
    windows = {(int(goal) // grid[1] // 2, int(goal) % grid[1] // 2) for goal in goals}
    assert windows == {(row, column) for row in range(grid[0] // 2) for column in range(grid[1] // 2)}
    assert len(goals) == len(windows)


def test_destinations_are_drawn_evenly():
    source = random()
    drawn = torch.cat([destinations((2, 2), source) for _ in range(2000)])
    assert (drawn.bincount() / 2000 - 0.25).abs().max() < 0.04


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("ratio", [0.0, 0.3, 0.5, 0.75])
def test_a_share_of_the_pixels_is_merged_away(grid, ratio):
    x = pixels(grid)
    merge = find_merge(x, destinations(grid, random()), ratio)
    merged = merge.merge(x)
    sources = x.shape[1] - (grid[0] // 2) * (grid[1] // 2)
    assert merged.shape[1] == x.shape[1] - min(int(ratio * x.shape[1]), sources)
    assert merge.unmerge(merged).shape == x.shape
    constant = torch.full_like(x, 3.0)
    assert torch.equal(merge.unmerge(merge.merge(constant)), constant)


@pytest.mark.parametrize("grid", GRIDS)
def test_what_is_not_merged_comes_back_to_its_place(grid):
    x = pixels(grid)
    merge = find_merge(x, destinations(grid, random()), 0.0)
    assert torch.equal(merge.unmerge(merge.merge(x)), x)


def test_the_most_alike_are_averaged():
    """By hand: a 2×2 window whose destination is 0; of the others 3 points the same way, 1 nearly, 2 away."""
    x = torch.tensor([[[1.0, 0.0], [3.0, 1.0], [-1.0, 0.0], [2.0, 0.0]]])
    merge = find_merge(x, torch.tensor([0]), 0.5)
    merged = merge.merge(x)
    assert torch.allclose(merged, torch.tensor([[[-1.0, 0.0], [2.0, 1 / 3]]]))  # kept 2; the mean of 0, 1 and 3
    back = merge.unmerge(merged)
    assert torch.equal(back[0, [0, 1, 3]], merged[0, [1, 1, 1]])
    assert torch.equal(back[0, 2], x[0, 2])


def test_each_row_merges_by_its_own_likeness():
    x = pixels((4, 4))
    goals = destinations((4, 4), random())
    together = find_merge(x, goals, 0.5)
    for row in range(2):
        alone = find_merge(x[row:][:1], goals, 0.5)
        assert torch.equal(together.merge(x)[row], alone.merge(x[row:][:1])[0])


CONFIG = UNetConfig(channels=(16, 32), layers=1, attention=(True, True), heads=(2, 2), context_width=32, groups=8)
T = torch.tensor([500.0, 20.0])


@pytest.fixture(scope="module")
def unet():
    torch.manual_seed(0)
    return UNet(CONFIG).requires_grad_(False)


@pytest.mark.parametrize("size", [(8, 8), (5, 7)])
def test_only_the_full_size_attends_to_fewer(unet, size):
    x, words = torch.randn(2, 4, *size, generator=random()), torch.randn(2, 7, 32, generator=random())
    merged, seen = TokenMerged(unet, unet, 0.5), {}
    with look(unet, before={"*.self_attention.to_q": lambda value, at: seen.__setitem__(at.name[:6], value.shape[1])}):
        answer = merged(x, T, words)
    whole, half = size[0] * size[1], -(-size[0] // 2) * -(-size[1] // 2)
    fewer = whole - whole // 2
    assert seen == {"down.0": fewer, "up.1.t": fewer, "down.1": half, "middle": half, "up.0.t": half}
    assert answer.shape == x.shape
    assert not torch.allclose(answer, unet(x, T, words))
    assert not unet.down[0].transformers[0].blocks[0].self_attention._forward_pre_hooks, "nothing is left behind"


def test_the_same_run_is_the_same_result_and_no_merging_is_exact(unet):
    x, words = torch.randn(2, 4, 8, 8, generator=random()), torch.randn(2, 7, 32, generator=random())
    first, second = (TokenMerged(unet, unet, 0.5) for _ in range(2))
    for _ in range(3):
        assert torch.equal(first(x, T, words), second(x, T, words))
    assert not torch.equal(first(x, T, words), TokenMerged(unet, unet, 0.5)(x, T, words)), "drawn anew at every call"
    assert torch.allclose(TokenMerged(unet, unet, 0)(x, T, words), unet(x, T, words), atol=1e-5)


@pytest.mark.parametrize("ratio", [-0.1, 0.8])
def test_more_than_all_but_one_is_refused(unet, ratio):
    with pytest.raises(ValueError, match=r"merges 0 to 0\.75 of the pixels"):
        TokenMerged(unet, unet, ratio)
