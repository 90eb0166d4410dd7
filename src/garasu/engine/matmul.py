"""Linear layers, small convolutions and GEGLU by a C kernel that reads weights as they lie."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from garasu.engine.convolution import SmallConv2d
from garasu.engine.native import kernel, multiplies, pointer
from garasu.networks.blocks import FeedForward

COUNT = ctypes.c_int64
SIZES = COUNT * 6
STRIDES = COUNT * 5
LINE = 64  # bytes of inputs that the kernel takes at once
OUTPUTS = 16


def product(near: Tensor, weight: Tensor, bias: Tensor | None, *, gated: bool = False) -> Tensor:
    """Each pixel's neighbourhood times a matrix, bfloat16 or float32.

    Args:
        near: [B, H, W, k, k', C], any view whose last stride is 1.
        weight: [out, k·k'·C], contiguous; C in multiples of 64 bytes, out of 16.
        bias: [out].
        gated: GEGLU: the outputs' first half times the GELU of the second.

    Returns:
        [B·H·W, out], or half as wide.
    """
    columns = len(weight) // (2 if gated else 1)
    out = near.new_empty(near.shape[0] * near.shape[1] * near.shape[2], columns)
    places = (pointer(near), pointer(weight), None if bias is None else pointer(bias), pointer(out))
    sizes, strides = SIZES(*near.shape), STRIDES(*near.stride()[:5])
    kind = (int(near.dtype == torch.bfloat16), int(gated), torch.get_num_threads())
    failed = kernel("matmul").garasu_matmul(*kind, COUNT(columns), sizes, strides, *places)
    if failed:
        raise MemoryError("there is no memory for the sums of a matrix product")
    return out


def fits(inputs: int, outputs: int, x: Tensor, weight: Tensor) -> bool:
    """Whether the kernel takes a product of these sizes: on the CPU, of one dtype, without gradients."""
    learning = torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad)
    alike = x.dtype == weight.dtype and x.device.type == weight.device.type == "cpu"
    whole = inputs * x.element_size() % LINE == 0 and outputs % OUTPUTS == 0
    return alike and whole and not learning and multiplies(x.dtype)


def linear(x: Tensor, layer: nn.Linear, *, gated: bool = False) -> Tensor:
    """x [..., in] by a layer that fits → [..., out]."""
    rows = x.reshape(-1, x.shape[-1])
    rows = rows if rows.stride(-1) == 1 else rows.contiguous()
    step, one = rows.stride()
    near = rows.as_strided((1, 1, len(rows), 1, 1, rows.shape[1]), (0, 0, step, 0, 0, one))
    return product(near, layer.weight, layer.bias, gated=gated).unflatten(0, x.shape[:-1])


class NativeLinear(nn.Linear):
    """torch's, by the kernel."""

    def forward(self, input: Tensor) -> Tensor:
        """[…, in] → […, out]."""
        known = fits(self.in_features, self.out_features, input, self.weight) and self.weight.is_contiguous()
        return linear(input, self) if known else super().forward(input)


class NativeConv2d(SmallConv2d):
    """torch's, by the kernel where the result has few pixels: with many, oneDNN's is as fast."""

    most_pixels: Mapping[torch.dtype, int] = {torch.bfloat16: 512, torch.float32: 512}

    def _small(self, input: Tensor) -> bool:
        return fits(self.in_channels, self.out_channels, input, self.weight) and super()._small(input)

    def _product(self, near: Tensor, weight: Tensor) -> Tensor:
        return product(near, weight, self.bias)


class NativeFeedForward(FeedForward):
    """GEGLU whose gates and values are multiplied before they leave the caches."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, P, D] → [B, P, D]."""
        into = self.proj_in
        watched = into._forward_hooks or into._forward_pre_hooks  # which want to see what it returns
        known = type(into) is NativeLinear and fits(into.in_features, into.out_features // 2, x, into.weight)
        if watched or not known or not into.weight.is_contiguous():
            return super().forward(x)
        return self.proj_out(linear(x, into, gated=True))


MATMUL = {nn.Linear: NativeLinear, nn.Conv2d: NativeConv2d, FeedForward: NativeFeedForward}
