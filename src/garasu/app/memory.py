"""How this process's memory is managed. Only for programs of our own: never done on import."""

import ctypes
import sys

_M_TRIM_THRESHOLD = -1  # glibc's malloc.h
_M_MMAP_MAX = -4


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
