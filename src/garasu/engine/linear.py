"""Linear layers by oneDNN, whatever torch would take."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from garasu.engine.native import takes

DTYPES = (torch.bfloat16, torch.float32)


class OneDNNLinear(nn.Linear):
    """torch's, without its way through MKL: the same sums in the same number format."""

    def forward(self, input: Tensor) -> Tensor:
        """[…, in] → […, out]."""
        weight, bias = self.weight, self.bias
        if input.dtype not in DTYPES or not takes(input, weight, bias):
            return super().forward(input)
        return product(input, weight, bias)


def product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x Wᵀ + b by oneDNN: x […, in], weight [out, in] → […, out]."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


def works(dtype: torch.dtype) -> bool:
    """Whether this build of torch has the operation and it computes what it should."""
    x, layer = torch.linspace(-1, 1, 24, dtype=dtype).view(2, 3, 4), nn.Linear(4, 5, dtype=dtype)
    expected = layer(x)
    layer.__class__ = OneDNNLinear
    try:
        with torch.no_grad():
            return bool(torch.allclose(layer(x), expected, atol=1e-2 if dtype == torch.bfloat16 else 1e-5))
    except (RuntimeError, AttributeError, NotImplementedError):
        return False


LINEAR = {nn.Linear: OneDNNLinear}
