"""The kernel for group normalisation against torch in float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from garasu.engine.choices import choose
from garasu.engine.norm import NativeGroupNorm
from garasu.networks.blocks import GroupNorm

ERRORS = {torch.float32: 1e-6, torch.bfloat16: 4e-3}


def fast(norm: GroupNorm) -> GroupNorm:
    norm.__class__ = NativeGroupNorm
    return norm


@pytest.mark.parametrize("dtype", ERRORS)
@given(
    rows=st.integers(1, 3),
    groups=st.integers(1, 4),
    width=st.integers(1, 20),
    height=st.integers(1, 20),
    mean=st.sampled_from([0.0, 3.0, 1000.0]),
)
@settings(max_examples=40, deadline=None)
def test_it_is_torchs(  # noqa: PLR0917
    dtype: torch.dtype, rows: int, groups: int, width: int, height: int, mean: float
) -> None:
    if not choose("auto", torch.device("cpu"), dtype).has("group_norm"):
        pytest.skip("no C compiler")
    norm = GroupNorm(groups, groups * width, eps=1e-5).to(dtype)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    x = (torch.randn(rows, groups * width, height, 7) + mean).to(dtype).to(memory_format=torch.channels_last)
    expected = torch.nn.functional.group_norm(x.double(), groups, norm.weight.double(), norm.bias.double(), 1e-5)
    with torch.no_grad():
        found = fast(norm)(x)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert float((found.double() - expected).norm()) <= ERRORS[dtype] * float(expected.norm()) * max(1, mean / 30)


def test_other_layouts_dtypes_and_gradients_go_the_plain_way() -> None:
    norm = GroupNorm(2, 4)
    x = torch.randn(1, 4, 3, 3)
    for given_x in (x, x.to(memory_format=torch.channels_last).requires_grad_()):
        expected = torch.nn.functional.group_norm(given_x, 2, norm.weight, norm.bias)
        torch.testing.assert_close(fast(norm)(given_x), expected, rtol=0, atol=1e-6)
        norm.__class__ = GroupNorm
    with torch.no_grad():
        doubled = fast(norm.double())(x.double().to(memory_format=torch.channels_last))
    assert doubled.dtype == torch.float64
