"""Convolutions as matrix products against torch's, in float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from garasu.engine.convolution import SmallConv2d
from garasu.engine.linear import works

ERRORS = {torch.float32: 1e-6, torch.bfloat16: 4e-3}


def pair(dtype: torch.dtype, *sizes: int, **options: int) -> tuple[nn.Conv2d, nn.Conv2d]:
    """One and the same convolution, ours and torch's in float64."""
    ours = nn.Conv2d(*sizes, **options).to(dtype).to(memory_format=torch.channels_last)
    theirs = nn.Conv2d(*sizes, **options).double()
    theirs.load_state_dict({name: value.double() for name, value in ours.state_dict().items()})
    ours.__class__ = SmallConv2d
    return ours, theirs


@pytest.mark.parametrize("dtype", ERRORS)
@given(
    size=st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(3, 11), st.integers(3, 11)),
    out=st.integers(1, 9),
    kernel=st.sampled_from([1, 3]),
    stride=st.integers(1, 2),
    padding=st.integers(0, 1),
)
@settings(max_examples=60, deadline=None)
@torch.no_grad()
def test_it_is_torchs(  # noqa: PLR0917
    dtype: torch.dtype, size: tuple[int, ...], out: int, kernel: int, stride: int, padding: int
) -> None:
    if not works(dtype):
        pytest.skip("this build of torch has no such operation")
    ours, theirs = pair(dtype, size[1], out, kernel, stride=stride, padding=padding)
    x = torch.randn(size).to(dtype).to(memory_format=torch.channels_last)
    expected = theirs(x.double())
    found = ours(x)
    for one in theirs.parameters():
        one.abs_()
    magnitude = theirs(x.double().abs())  # the sum of all absolute values, which does not cancel
    assert found.shape == expected.shape
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert float((found.double() - expected).norm()) <= ERRORS[dtype] * float(magnitude.norm())


@torch.no_grad()
def test_many_pixels_and_other_layouts_go_the_plain_way(monkeypatch: pytest.MonkeyPatch) -> None:
    if not works(torch.float32):
        pytest.skip("this build of torch has no such operation")
    ours, _ = pair(torch.float32, 4, 4, 3, padding=1)
    products: list[torch.Size] = []

    def noted(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        products.append(x.shape)
        return nn.functional.linear(x, weight, bias)

    monkeypatch.setattr("garasu.engine.convolution.product", noted)
    side = int(SmallConv2d.most_pixels[torch.float32] ** 0.5)
    ours(torch.randn(3, 4, side, side).to(memory_format=torch.channels_last))
    assert len(products) == 1
    ours(torch.randn(1, 4, side + 1, side + 1).to(memory_format=torch.channels_last))
    ours(torch.randn(1, 4, 5, 5))
    assert len(products) == 1


def test_gradients_go_the_plain_way() -> None:
    ours, theirs = pair(torch.float32, 3, 2, 3, padding=1)
    x = torch.randn(1, 3, 4, 4).to(memory_format=torch.channels_last)
    ours(x).sum().backward()
    theirs(x.double()).sum().backward()
    torch.testing.assert_close(ours.weight.grad.double(), theirs.weight.grad, rtol=1e-4, atol=1e-5)
