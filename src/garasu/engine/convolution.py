"""Convolutions of small feature maps as one matrix product.

oneDNN rearranges a convolution's weights at every call. Where there are few pixels that takes longer than the
arithmetic, and a product of the pixels' neighbourhoods with the weights as they lie does without.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from garasu.engine.linear import product
from garasu.engine.native import takes


class SmallConv2d(nn.Conv2d):
    """torch's, as a matrix product where the result has few pixels and everything lies in channels_last.

    ``most_pixels`` are those of one row, so that a picture comes out the same alone and in a batch. With more of them
    the rearranging no longer shows.
    """

    most_pixels: Mapping[torch.dtype, int] = {torch.bfloat16: 128, torch.float32: 256}

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, H, W] → [B, C', H', W']."""
        if not self._small(input):
            return super().forward(input)
        near = self._neighbourhoods(input)  # [B, H', W', k, k, C]
        weight = self.weight.permute(0, 2, 3, 1).flatten(1)  # [C', k·k·C], the same memory
        return self._product(near, weight).view(*near.shape[:3], self.out_channels).permute(0, 3, 1, 2)

    def _product(self, near: Tensor, weight: Tensor) -> Tensor:
        """[B·H'·W', C']."""
        return product(near.flatten(3).flatten(0, 2), weight, self.bias)

    def _small(self, input: Tensor) -> bool:
        if input.shape[1:2] != (self.in_channels,) or input.dim() != 4 or not takes(input, self.weight, self.bias):
            return False
        if self.groups != 1 or self.dilation != (1, 1) or isinstance(self.padding, str) or self.padding_mode != "zeros":
            return False
        height, width = self._size(input)
        few = 0 < height * width <= self.most_pixels.get(input.dtype, 0)
        return few and all(one.is_contiguous(memory_format=torch.channels_last) for one in (input, self.weight))

    def _size(self, input: Tensor) -> tuple[int, int]:
        """H' and W'."""
        height, width = (
            (input.shape[2 + i] + 2 * int(self.padding[i]) - self.kernel_size[i]) // self.stride[i] + 1 for i in (0, 1)
        )
        return height, width

    def _neighbourhoods(self, input: Tensor) -> Tensor:
        """What each pixel of the result is made from: a view, [B, H', W', k, k, C]."""
        down, right = (int(one) for one in self.padding)
        padded = input.permute(0, 2, 3, 1)
        if down or right:
            padded = F.pad(padded, (0, 0, right, right, down, down)).contiguous()
        row, line, pixel, channel = padded.stride()
        size = (len(input), *self._size(input), *self.kernel_size, input.shape[1])
        return padded.as_strided(size, (row, self.stride[0] * line, self.stride[1] * pixel, line, pixel, channel))


SMALL = {nn.Conv2d: SmallConv2d}
