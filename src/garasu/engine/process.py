"""How a process of our own uses its machine. Only for programs: never done on import, nor by loading a model."""

import ctypes
import os
import sys

import torch

from garasu.engine.machine import this_machine
from garasu.engine.native import kept_in

_M_TRIM_THRESHOLD = -1  # glibc's malloc.h
_M_MMAP_MAX = -4


def own_process() -> None:
    """Set this process up for networks: its threads, its memory, and where compiled code is kept."""
    use_cores()
    keep_freed_memory()
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(kept_in().parent / "compiled"))


def use_cores() -> None:
    """One thread for each physical core that we may use, unless the user said otherwise by OMP_NUM_THREADS."""
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(this_machine().threads)


def keep_freed_memory() -> None:
    """Tell glibc to reuse freed memory rather than return it to the system after every large tensor.

    Returning it makes each temporary fault its pages in anew, 10 to 20 % of a step on a CPU. The price:
    the process never shrinks. Without glibc nothing happens.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl has none
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, -1)  # never
