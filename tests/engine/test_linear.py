import pytest
import torch
from torch import nn

from garasu.engine.linear import OneDNNLinear, works


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("transposed", [False, True])
def test_it_is_torchs(dtype: torch.dtype, bias: bool, transposed: bool) -> None:
    if not works(dtype):
        pytest.skip("this build of torch has no such operation")
    layer = nn.Linear(40, 24, bias=bias, dtype=dtype)
    x = torch.randn(2, 40, 9, dtype=dtype).transpose(1, 2) if transposed else torch.randn(2, 9, 40, dtype=dtype)
    wide = None if layer.bias is None else layer.bias.detach().double()
    expected = nn.functional.linear(x.double(), layer.weight.detach().double(), wide)
    layer.__class__ = OneDNNLinear
    with torch.no_grad():
        found = layer(x)
    assert found.dtype == dtype
    # float32 must stay float32: bfloat16 on the way would be wrong by 1e-3
    assert float((found.double() - expected).norm() / expected.norm()) < (1e-6 if dtype == torch.float32 else 4e-3)


def test_gradients_go_the_plain_way() -> None:
    layer = nn.Linear(4, 3)
    layer.__class__ = OneDNNLinear
    layer(torch.randn(2, 4)).sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.abs().sum() > 0
