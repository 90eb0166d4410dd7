"""Tensors that are windows onto a file: the operating system reads a page when it is touched, and may drop it."""

from __future__ import annotations

import ctypes
import mmap
import sys
from pathlib import Path

import torch
from torch import Tensor


def map_file(path: Path) -> Tensor:
    """The bytes of a file, uint8 [size], read when touched; writing to them changes memory, never the file."""
    return torch.from_file(str(path), shared=False, size=path.stat().st_size, dtype=torch.uint8)


def forget(window: Tensor) -> None:
    """Give the pages of a mapped tensor back, after it was copied elsewhere.

    Without this a file that is converted while it loads would occupy memory twice. The tensor stays valid: touched
    again, it is read from the file again. Only for tensors of a mapped file that nobody wrote to.
    """
    if sys.platform != "linux" or not window.is_contiguous():
        return
    page = mmap.PAGESIZE
    start = -(-window.data_ptr() // page) * page
    stop = (window.data_ptr() + window.nbytes) // page * page
    if stop > start:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(stop - start), mmap.MADV_DONTNEED)
