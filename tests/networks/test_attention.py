"""Attention's two forms against each other and against torch's own multi-head attention."""

from unittest.mock import patch

import pytest
import torch
from torch import Tensor, nn

from garasu.networks.attention import Attention, merge_heads, split_heads
from garasu.panes import look

SHAPES = [(1, 1, 8, 1), (2, 5, 24, 3), (3, 64, 32, 8)]  # rows, pixels, width, heads


def randn(*shape: int, seed: int = 0) -> Tensor:
    """Seeded normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def both(attention: Attention, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Fused output, written-out output, weights."""
    seen: list[Tensor] = []
    with patch("garasu.networks.attention.MOST_WRITTEN_OUT", 0):  # fused also with gradients
        fused = attention(x, context)
    with look(attention, {"weights": lambda value, _: seen.append(value)}):
        written_out = attention(x, context)
    return fused, written_out, seen[0]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("rows", "pixels", "width", "heads"), SHAPES)
def test_fused_is_the_written_out_form(rows: int, pixels: int, width: int, heads: int, causal: bool) -> None:
    torch.manual_seed(0)
    fused, written_out, weights = both(Attention(width, heads, causal=causal), randn(rows, pixels, width))
    assert (fused - written_out).abs().max() <= 1e-5
    torch.testing.assert_close(weights.sum(-1), torch.ones(rows, heads, pixels))


def test_cross_attention_reads_the_context() -> None:
    torch.manual_seed(0)
    fused, written_out, weights = both(Attention(24, 3, 10), randn(2, 6, 24), randn(2, 7, 10, seed=1))
    assert (fused - written_out).abs().max() <= 1e-5
    assert weights.shape == (2, 3, 6, 7)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3, 6))


def test_the_causal_mask_hides_what_comes_later_and_nothing_else() -> None:
    torch.manual_seed(0)
    _, _, weights = both(Attention(24, 3, causal=True), randn(2, 6, 24))
    later = torch.ones(6, 6).triu(1).bool()
    assert (weights[..., later] == 0).all()
    assert (weights[..., ~later] > 0).all()


@pytest.mark.parametrize("causal", [False, True])
def test_it_is_torchs_multi_head_attention(causal: bool) -> None:
    torch.manual_seed(0)
    ours, peer = Attention(24, 4, bias=True, causal=causal), nn.MultiheadAttention(24, 4, batch_first=True)
    parts = [ours.to_q, ours.to_k, ours.to_v]
    peer.in_proj_weight.data = torch.cat([part.weight for part in parts])
    peer.in_proj_bias.data = torch.cat([part.bias for part in parts])
    peer.out_proj.load_state_dict(ours.to_out.state_dict())
    x = randn(2, 6, 24)
    mask = torch.ones(6, 6).triu(1).bool() if causal else None
    expected, weights = peer(x, x, x, attn_mask=mask, average_attn_weights=False)
    fused, written_out, seen = both(ours, x)
    for value, other in ((fused, expected), (written_out, expected), (seen, weights)):
        assert (value - other).abs().max() <= 1e-5


@pytest.mark.parametrize("causal", [False, True])
def test_nothing_looks_at_what_is_not_seen(causal: bool) -> None:
    torch.manual_seed(0)
    attention, x = Attention(24, 4, causal=causal), randn(2, 6, 24)
    seen = torch.tensor([[True, False, True, True, False, True], [True] * 6])
    other = x.clone()
    other[0, [1, 4]] += 3
    with torch.no_grad():
        before, after, plain = attention(x, seen=seen), attention(other, seen=seen), attention(x)
    others = [0, 2, 3, 5]
    assert torch.equal(before[0, others], after[0, others])
    assert (before[1] - plain[1]).abs().max() <= 1e-6
    assert (before[0, 5] - plain[0, 5]).abs().max() > 1e-3
    weights: list[Tensor] = []
    with look(attention, {"weights": lambda value, _: weights.append(value)}), torch.no_grad():
        watched = attention(x, seen=seen)
    assert torch.equal(watched, before)
    assert (weights[0][0, :, :, [1, 4]] == 0).all()
    torch.testing.assert_close(weights[0].sum(-1), torch.ones(2, 4, 6))


@pytest.mark.parametrize("causal", [False, True])
def test_both_forms_have_the_same_gradients(causal: bool) -> None:
    torch.manual_seed(0)
    attention = Attention(24, 3, causal=causal)
    gradients = []
    for form in (0, 1):
        x = randn(2, 6, 24).requires_grad_()
        output = both(attention, x)[form]
        gradients.append(torch.autograd.grad(output.square().sum(), [x, *attention.parameters()]))
    for fused, written_out in zip(*gradients, strict=True):
        assert fused.abs().sum() > 0
        torch.testing.assert_close(fused, written_out, atol=1e-5, rtol=1e-4)


def test_replaced_weights_are_the_ones_used() -> None:
    """All attention on token 2: every pixel then reads that token's value alone."""
    torch.manual_seed(0)
    attention, x, context = Attention(24, 3, 10), randn(2, 6, 24), randn(2, 7, 10, seed=1)
    with look(attention, {"weights": lambda value, _: torch.eye(7)[2].expand_as(value)}):
        output = attention(x, context)
    expected = attention.to_out(attention.to_v(context[:, 2])).unsqueeze(1).expand_as(output)
    torch.testing.assert_close(output, expected)


def test_heads_split_and_merge_without_loss() -> None:
    x = randn(2, 5, 24)
    assert torch.equal(merge_heads(split_heads(x, 3)), x)
    assert torch.equal(split_heads(x, 3)[:, 1], x[..., 8:16])


@pytest.mark.parametrize(("watching", "learning"), [(False, False), (False, True), (True, False)])
def test_which_form_runs(monkeypatch: pytest.MonkeyPatch, watching: bool, learning: bool) -> None:
    """Fused where nobody looks and nothing learns: on a CPU its backward is the slower one."""
    used: list[str] = []
    for name in ("fused", "written_out"):
        original = getattr(Attention, name)
        monkeypatch.setattr(
            Attention, name, lambda *given, name=name, original=original: (used.append(name), original(*given))[1]
        )
    attention = Attention(8, 2)
    windows = {"weights": lambda value, _: None} if watching else {}
    with torch.set_grad_enabled(learning), look(attention, windows):
        attention(randn(1, 4, 8))
    assert used == ["written_out" if watching or learning else "fused"]


def test_too_many_weights_to_hold_are_left_to_the_fused_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("garasu.networks.attention.MOST_WRITTEN_OUT", 15)
    monkeypatch.setattr(Attention, "written_out", None)
    Attention(8, 2)(randn(1, 4, 8)).sum().backward()
