"""Weights again from queries and keys."""

import pytest
import torch

from garasu.glass.record.attention import every_head, map_size, mean_weights
from garasu.glass.record.errors import RecordError
from garasu.networks.attention import Attention
from garasu.panes import Recording, look


@pytest.mark.parametrize("tokens", [7, 1, None])
def test_they_are_those_that_the_pane_shows(tokens):
    attention = Attention(12, 3, 5 if tokens else None)
    x = torch.randn(2, 6, 12)
    context = torch.randn(2, tokens, 5) if tokens else x
    shown = Recording()
    with torch.no_grad(), look(attention, {"weights": shown}):
        attention(x, context)
        q, k = attention.to_q(x), attention.to_k(context)
    each = every_head(q, k, 3)
    torch.testing.assert_close(each, shown.values[0][1])
    torch.testing.assert_close(mean_weights(q, k, 3), shown.values[0][1].mean(1))
    torch.testing.assert_close(each.sum(-1), torch.ones(2, 3, 6))


def test_they_are_float32_whatever_the_network_computes_in():
    q, k = torch.randn(1, 4, 8), torch.randn(1, 77, 8)
    coarse = mean_weights(q.bfloat16(), k.bfloat16(), 2)
    torch.testing.assert_close(coarse, mean_weights(q.bfloat16().float(), k.bfloat16().float(), 2), rtol=0, atol=0)
    assert (coarse.sum(-1) - 1).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("pixels", "size"), [(64, (8, 8)), (16, (4, 4)), (1, (1, 1)), (9 * 13, (9, 13)), (5 * 7, (5, 7)), (3 * 4, (3, 4))]
)
def test_a_map_has_the_size_of_its_level(pixels, size):
    grid = (8, 8) if size in {(8, 8), (4, 4), (1, 1)} else (9, 13)  # 9x13, 5x7, 3x4, 2x2, 1x1: halves are rounded up
    assert map_size(pixels, grid) == size


def test_pixels_of_no_level_are_refused():
    with pytest.raises(RecordError, match="no level of the U-Net over a latent of 8x8 has 15 pixels"):
        map_size(15, (8, 8))
