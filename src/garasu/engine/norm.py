"""Group normalisation of channels_last feature maps by a C kernel."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from garasu.engine.native import kernel, pointer
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
        learning = torch.is_grad_enabled() and (input.requires_grad or self.weight.requires_grad)
        alike = input.dtype in DTYPES and input.dtype == self.weight.dtype and input.device.type == "cpu"
        if learning or not alike or not input.is_contiguous(memory_format=torch.channels_last):
            return super().forward(input)
        return native(input, self.num_groups, self.weight, self.bias, self.eps)


class SummedGroupNorm(GroupNorm):
    """GroupNorm by plain sums, for GPUs: torch's kernel gives each group to one block of threads, and a picture or two
    have fewer groups than a GPU has room for. It also leaves a channels_last feature map where it is."""

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, H, W] → [B, C, H, W], in the memory format of the input."""
        rows, channels, height, width = input.shape
        grouped = input.view(rows, self.num_groups, channels // self.num_groups, height, width)
        count = grouped[0, 0].numel()
        mean = grouped.sum(dim=(2, 3, 4), dtype=torch.float32) / count  # [B, G]
        square = torch.linalg.vector_norm(grouped, dim=(2, 3, 4), dtype=torch.float32).square() / count
        inverse = (square - mean.square()).clamp(min=0).add(self.eps).rsqrt()
        scale = inverse[:, :, None] * self.weight.view(self.num_groups, -1).float()  # [B, G, C/G]
        shift = self.bias.view(self.num_groups, -1).float() - mean[:, :, None] * scale
        scale, shift = (one.to(input.dtype).view(rows, channels, 1, 1) for one in (scale, shift))
        return torch.addcmul(shift, input, scale)


NORM = {GroupNorm: NativeGroupNorm}
SUMMED = {GroupNorm: SummedGroupNorm}
