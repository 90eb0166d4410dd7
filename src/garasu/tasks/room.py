"""How many pictures at once: as many as are faster together and fit into memory, which is found out by trying."""

from __future__ import annotations

import gc

import torch

MOST = 16
# On a CPU pictures are faster together only while they are small. Two EPYC cores, float32, seconds of a guided step
# for each picture: SD 1.5 at 512×512 7.6 alone and 8.3 in twos, at 256×256 2.0 alone and 1.6 in fours; the bundled
# model 20 ms alone, 12.5 ms in fours and no better in sixteens. So: as many as come to one of 512×512.
CPU_CELLS = 64 * 64


class RoomError(ValueError):
    """One picture alone is too large for this machine's memory."""


class Room:
    """How many pictures of one size are made at once; fewer from then on when memory ran out.

    A GPU begins with 16: it is fastest with many, and says when they are too many.
    """

    def __init__(self, device: torch.device, cells: int) -> None:
        """``cells``: of one picture's latent."""
        self.rows = max(1, min(MOST, CPU_CELLS // cells)) if device.type == "cpu" else MOST

    def halve(self, tried: int) -> None:
        """After ``tried`` pictures were too many. Raises RoomError if it was one."""
        if tried == 1:
            raise RoomError("there is not memory enough for one picture: make it smaller, or close other programs")
        self.rows = tried // 2
        gc.collect()  # what the failed try left behind
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def ran_out(problem: BaseException) -> bool:
    """Whether memory ran out; on a CPU and on MPS torch says so in words only."""
    words = ("can't allocate memory", "out of memory")
    return isinstance(problem, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(problem, RuntimeError) and any(one in str(problem) for one in words)
    )
