"""Linear layers, small convolutions and GEGLU by a C kernel that reads weights as they lie."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from garasu.engine.convolution import SmallConv2d
from garasu.engine.native import kernel, multiplies, pointer, takes
from garasu.networks.blocks import FeedForward

COUNT = ctypes.c_int64
SIZES = COUNT * 6
STRIDES = COUNT * 5
LINE = 64  # bytes of inputs that the kernel takes at once
OUTPUTS = 16


def pixels_product(near: Tensor, weight: Tensor, bias: Tensor | None, *, gated: bool = False) -> Tensor:
    """Each pixel's neighbourhood times a matrix, bfloat16 or float32.

    Args:
        near: [B, H, W, k, k', C], any view whose last stride is 1.
        weight: [out, k·k'·C], contiguous; C in multiples of 64 bytes, out of 16.
        bias: [out], contiguous.
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


def fits(x: Tensor, weight: Tensor, bias: Tensor | None, inputs: int, outputs: int) -> bool:
    """Whether the kernel takes x by these weights, of which it sees `inputs` side by side."""
    whole = inputs * x.element_size() % LINE == 0 and outputs % OUTPUTS == 0
    return whole and (bias is None or bias.is_contiguous()) and takes(x, weight, bias) and multiplies(x.dtype)


def linear(x: Tensor, layer: nn.Linear, *, gated: bool = False) -> Tensor | None:
    """x [..., in] by a layer → [..., out], or half as wide; None where the kernel does not take them."""
    weight, bias = layer.weight, layer.bias
    outputs = layer.out_features // (2 if gated else 1)
    if x.shape[-1:] != weight.shape[1:] or not weight.is_contiguous():
        return None
    if not fits(x, weight, bias, layer.in_features, outputs):
        return None
    rows = x.reshape(-1, layer.in_features)
    rows = rows if rows.stride(-1) == 1 else rows.contiguous()
    near = rows.as_strided((1, 1, len(rows), 1, 1, layer.in_features), (0, 0, rows.stride(0), 0, 0, 1))
    return pixels_product(near, weight, bias, gated=gated).view(*x.shape[:-1], outputs)


class NativeLinear(nn.Linear):
    """torch's, by the kernel."""

    def forward(self, input: Tensor) -> Tensor:
        """[…, in] → […, out]."""
        found = linear(input, self)
        return super().forward(input) if found is None else found


class NativeConv2d(SmallConv2d):
    """torch's, by the kernel where the result has few pixels: with many, oneDNN's is as fast in either dtype."""

    most_pixels: Mapping[torch.dtype, int] = {torch.bfloat16: 512, torch.float32: 512}

    def _small(self, input: Tensor) -> bool:
        return super()._small(input) and fits(input, self.weight, self.bias, self.in_channels, self.out_channels)

    def _product(self, near: Tensor, weight: Tensor) -> Tensor:
        return pixels_product(near, weight, self.bias)


class NativeFeedForward(FeedForward):
    """GEGLU whose gates and values are multiplied before they leave the caches."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, P, D] → [B, P, D]."""
        known = type(self.proj_in) is NativeLinear and not _watched(self.proj_in)
        hidden = linear(x, self.proj_in, gated=True) if known else None
        return super().forward(x) if hidden is None else self.proj_out(hidden)


def _watched(layer: nn.Module) -> bool:
    """Whether somebody waits for what this layer itself is given or returns, or changed how it computes."""
    return bool(layer._forward_hooks or layer._forward_pre_hooks) or "forward" in layer.__dict__


MATMUL = {nn.Linear: NativeLinear, nn.Conv2d: NativeConv2d, FeedForward: NativeFeedForward}
