"""The faster attentions against the definition in float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from garasu.engine.attention import ChunkedAttention, NativeAttention, chunked, native
from garasu.engine.choices import choose
from garasu.networks.attention import Attention, merge_heads

CPU = torch.device("cpu")
ERRORS = {torch.float32: 2e-6, torch.bfloat16: 8e-3}  # relative; bfloat16 keeps 8 bits, and averages may cancel


def has_kernel(dtype: torch.dtype) -> bool:
    return choose("auto", CPU, dtype).has("attention")


def heads_of(rows: int, heads: int, tokens: int, width: int, dtype: torch.dtype, seed: int) -> Tensor:  # noqa: PLR0917
    """[B, N, T, d], a view on [B, T, D] as linear layers leave it."""
    rng = torch.Generator().manual_seed(seed)
    return (
        torch.randn(rows, tokens, heads * width, generator=rng).to(dtype).view(rows, tokens, heads, -1).transpose(1, 2)
    )


def exact(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = q.double(), k.double(), v.double()
    return ((q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5).softmax(-1) @ v


def error(found: Tensor, expected: Tensor) -> float:
    return float((found.double() - expected).norm() / expected.norm())


@pytest.mark.parametrize("dtype", ERRORS)
@given(
    rows=st.integers(1, 3),
    heads=st.integers(1, 4),
    queries=st.integers(1, 200),
    keys=st.integers(1, 500),
    half_width=st.integers(1, 40),
    spread=st.sampled_from([0.1, 1.0, 30.0]),
)
@settings(max_examples=40, deadline=None)
def test_the_kernel_is_the_definition(  # noqa: PLR0917
    dtype: torch.dtype, rows: int, heads: int, queries: int, keys: int, half_width: int, spread: float
) -> None:
    if not has_kernel(dtype):
        pytest.skip("no kernel for this CPU")
    q = heads_of(rows, heads, queries, 2 * half_width, dtype, 0) * spread
    k = heads_of(rows, heads, keys, 2 * half_width, dtype, 1)
    v = heads_of(rows, heads, keys, 2 * half_width, dtype, 2)
    found = native(q, k, v)
    assert found.shape == q.shape
    assert merge_heads(found).data_ptr() == found.data_ptr()  # nothing is copied
    scores = (q.double() @ k.double().transpose(-1, -2)) * q.shape[-1] ** -0.5
    rounding = max(1.0, float(scores.abs().max()) / 8)  # a large score's own rounding moves its weight
    assert error(found, exact(q, k, v)) <= ERRORS[dtype] * rounding


@pytest.mark.parametrize("dtype", ERRORS)
def test_at_stable_diffusions_sizes(dtype: torch.dtype) -> None:
    if not has_kernel(dtype):
        pytest.skip("no kernel for this CPU")
    for heads, queries, keys, width in ((8, 1024, 1024, 40), (8, 256, 77, 160), (1, 300, 300, 512), (5, 64, 64, 64)):
        q, k, v = (heads_of(2, heads, n, width, dtype, i) for i, n in enumerate((queries, keys, keys)))
        assert error(native(q, k, v), exact(q, k, v)) <= ERRORS[dtype]


def test_scores_far_below_the_best_weigh_nothing() -> None:
    if not has_kernel(torch.float32):
        pytest.skip("no kernel for this CPU")
    q = torch.full((1, 1, 70, 2), 100.0)
    k = torch.tensor([[1.0, 1.0], [-1.0, -1.0]]).repeat(150, 1).view(1, 1, 300, 2)
    v = torch.tensor([[3.0, 4.0], [1e30, 1e30]]).repeat(150, 1).view(1, 1, 300, 2)
    torch.testing.assert_close(native(q, k, v), torch.tensor([3.0, 4.0]).expand(1, 1, 70, 2))


@pytest.mark.parametrize("dtype", ERRORS)
def test_rows_of_scores_are_the_definition(dtype: torch.dtype) -> None:
    q, k, v = (heads_of(2, 3, n, 24, dtype, i) for i, n in enumerate((1100, 600, 600)))
    assert (
        error(chunked(q, k, v), exact(q, k, v)) <= 2 * ERRORS[dtype]
    )  # its weights are rounded before they are summed


def test_gradients_and_causal_masks_go_the_plain_way() -> None:
    for kind in (NativeAttention, ChunkedAttention):
        for causal in (False, True):
            attention = Attention(16, 2, causal=causal)
            x = torch.randn(2, 9, 16, requires_grad=not causal)
            expected = attention(x)
            attention.__class__ = kind
            with torch.set_grad_enabled(not causal):
                found = attention(x)
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
            if not causal:
                found.sum().backward()
                assert x.grad is not None
                assert x.grad.abs().sum() > 0


def test_gradients_of_the_words_alone_are_kept() -> None:
    """As textual inversion wants them, whose network is frozen."""
    attention = NativeAttention(16, 2, 16).requires_grad_(False)
    x, words = torch.randn(1, 9, 16), torch.randn(1, 5, 16, requires_grad=True)
    attention(x, words).sum().backward()
    assert words.grad is not None
    assert words.grad.abs().sum() > 0
