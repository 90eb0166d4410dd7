"""Group normalisation of channels_last feature maps by a C kernel."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from garasu.engine.native import kernel, pointer, takes
from garasu.networks.blocks import GroupNorm

COUNT = ctypes.c_int64
DTYPES = (torch.bfloat16, torch.float32)


def native(x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """x [B, C, H, W] in channels_last → the same."""
    rows, channels, height, width = x.shape
    out = torch.empty_like(x)
    sizes = [COUNT(size) for size in (rows, height * width, channels, groups)]
    places = [pointer(one) for one in (x, weight, bias, out)]
    half = int(x.dtype == torch.bfloat16)
    failed = kernel("norm").garasu_group_norm(half, torch.get_num_threads(), *sizes, ctypes.c_double(eps), *places)
    if failed:
        raise MemoryError("there is no memory for the sums of a normalisation")
    return out


class NativeGroupNorm(GroupNorm):
    """GroupNorm that leaves a channels_last feature map where it is."""

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, H, W] → [B, C, H, W], in the memory format of the input."""
        known = input.dtype in DTYPES and takes(input, self.weight, self.bias)
        if not known or not input.is_contiguous(memory_format=torch.channels_last):
            return super().forward(input)
        return native(input, self.num_groups, self.weight, self.bias, self.eps)


NORM = {GroupNorm: NativeGroupNorm}
