"""Attention on a CPU, faster than torch's: by a C kernel, or by rows of scores that stay in the cache."""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor

from garasu.engine.native import kernel, multiplies, pointer, takes
from garasu.networks.attention import Attention
from garasu.networks.vae import PixelAttention

COUNT = ctypes.c_int64
STRIDES = COUNT * 3
CHUNK = 512  # rows of scores at a time
MANY = 1024  # from so many rows on they leave the cache


def native(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """softmax(Q Kᵀ / √d) V by the kernel: q [B, N, P, d], k and v [B, N, T, d] → [B, N, P, d], d even.

    The result lies in memory as [B, P, N, d], so that merging the heads copies nothing.
    """
    rows, heads, queries, width = q.shape
    q, k, v = (one if one.stride(-1) == 1 else one.contiguous() for one in (q, k, v))
    out = q.new_empty(rows, queries, heads, width).transpose(1, 2)
    places = [part for one in (q, k, v, out) for part in (pointer(one), _strides(one))]
    sizes = [COUNT(size) for size in (rows, heads, queries, k.shape[2], width)]
    threads = torch.get_num_threads()
    failed = kernel("attention").garasu_attention(int(q.dtype == torch.bfloat16), threads, *sizes, *places)
    if failed:
        raise MemoryError("there is no memory for the keys and values of an attention")
    return out


def chunked(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The same, a head and some rows at a time, by torch alone."""
    out = torch.empty_like(q)
    q = q * q.shape[-1] ** -0.5
    for row in range(len(q)):
        for head in range(q.shape[1]):
            keys = k[row, head].T  # [d, T]
            for first in range(0, q.shape[2], CHUNK):
                some = slice(first, first + CHUNK)
                out[row, head, some] = (q[row, head, some] @ keys).softmax(-1) @ v[row, head]  # [≤ CHUNK, d]
    return out


def _strides(x: Tensor) -> ctypes.Array[ctypes.c_int64]:
    """Of rows, tokens and heads of x [B, N, T, d]."""
    return STRIDES(x.stride(0), x.stride(2), x.stride(1))


class _Native:
    """Attention's fused form by the kernel."""

    def fused(self: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """The same result without ever holding all weights in memory."""
        known = takes(q, k, v) and multiplies(q.dtype) and q.shape[-1] % 2 == 0 and not self.causal
        return native(q, k, v) if known else super().fused(q, k, v)  # type: ignore[misc]


class _Chunked:
    """Attention's fused form by rows of scores, where there are many."""

    def fused(self: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """The same result without ever holding all weights in memory."""
        many = q.shape[2] >= MANY and k.shape[2] >= MANY and q.dtype == torch.bfloat16
        known = many and takes(q, k, v) and not self.causal
        return chunked(q, k, v) if known else super().fused(q, k, v)  # type: ignore[misc]


class NativeAttention(_Native, Attention):
    """Attention whose fused form is the kernel."""


class NativePixelAttention(_Native, PixelAttention):
    """The VAE's attention whose fused form is the kernel."""


class ChunkedAttention(_Chunked, Attention):
    """Attention whose fused form takes some rows at a time."""


class ChunkedPixelAttention(_Chunked, PixelAttention):
    """The VAE's attention whose fused form takes some rows at a time."""


NATIVE = {Attention: NativeAttention, PixelAttention: NativePixelAttention}
CHUNKED = {Attention: ChunkedAttention, PixelAttention: ChunkedPixelAttention}
