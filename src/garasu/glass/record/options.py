"""What a record keeps. Needs no torch, so that `garasu txt2img --help` answers at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from garasu.glass.record.errors import RecordError

CROSS_ATTENTION = "unet.*.cross_attention.weights"
NO_PANES = "none"
PaneType = Literal["float16", "float32"]
PANE_TYPES = ("float16", "float32")
GB = 10**9


@dataclass(frozen=True)
class RecordOptions:
    """What is kept besides the latents, of which every step is kept whole.

    ``panes``: patterns of names inside the U-Net, as for ``look``; of attention weights the mean over heads is kept, or
    with ``heads`` each head. ``every``: predictions and panes of every so many steps. ``dtype``: of panes. ``limit``:
    of the record's size, in GB.

    Raises:
        RecordError: a number out of range, or an unknown dtype.
    """

    panes: tuple[str, ...] = (CROSS_ATTENTION,)
    every: int = 1
    dtype: PaneType = "float16"
    heads: bool = False
    limit: float = 2.0

    def __post_init__(self) -> None:
        if self.every < 1:
            raise RecordError(f"a record keeps every 1st, 2nd, … step, not every {self.every}th: take 1 or more")
        if self.dtype not in PANE_TYPES:
            raise RecordError(f"a record keeps panes as {' or '.join(PANE_TYPES)}, not as {self.dtype!r}")
        if not self.limit > 0:
            raise RecordError(f"a record may be of any size above 0 GB, not {self.limit:g}")

    @property
    def patterns(self) -> tuple[str, ...]:
        """The panes to keep; nothing for "none"."""
        return tuple(pattern for pattern in self.panes if pattern != NO_PANES)


DEFAULT = RecordOptions()
