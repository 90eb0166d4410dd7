"""How large a record will be, and whether that is too much."""

from __future__ import annotations

from math import ceil

from garasu.diffusion.steps import Step
from garasu.glass.record.errors import RecordError
from garasu.glass.record.ledger import Ledger
from garasu.glass.record.options import GB, RecordOptions
from garasu.glass.record.seen import Seen

NAMED = 512  # bytes in which a tensor's name, shape and place are listed, twice


class Budget:
    """Counts on from the first step of each walk: all steps of it, and as much for each batch that is still to come.

    ``planned``: bytes that the record's tensors take at most, as far as is known; walks that the task adds later (a
    larger second pass, further windows) are counted when they begin.
    """

    def __init__(self, options: RecordOptions) -> None:
        self.options = options
        self.planned = 0

    def check(self, step: Step, seen: Seen, ledger: Ledger, count: int) -> None:
        """After a step of a run of ``count`` pictures. Raises RecordError for a record over its limit."""
        if not seen.eps:
            return
        rows = len(step.latent)
        batches = 1 + ceil(max(0, count - ledger.pictures - rows) / rows)
        latents = (step.latent.nbytes + step.x0.nbytes) * step.total + step.latent.nbytes
        kept = ceil(step.total / self.options.every)
        names = 3 + 2 * step.total + (1 + len(seen.panes)) * kept
        walk = latents + seen.nbytes * kept + NAMED * names
        words = sum(one.nbytes for one in seen.conditioning)
        whole = ledger.start + (ledger.walk_start - ledger.start + walk + words) * batches
        self.planned = max(self.planned, whole)
        if whole > self.options.limit * GB:
            raise RecordError(self._refusal(whole, whole - latents * batches))

    def _refusal(self, whole: int, less: int) -> str:
        """``less``: how many of the bytes can be left out."""
        limit = self.options.limit * GB
        fix = "make fewer or smaller pictures at once"
        if whole - less < limit:
            every = ceil(self.options.every * less / (limit - whole + less))
            fix = f"keep less, with --record-every {every} or fewer panes (none at all: --record-panes none)"
        return (
            f"the record would take {whole / GB:.2g} GB, over its limit of {self.options.limit:g}: {fix}, "
            f"or allow more with --record-limit {ceil(10 * whole / GB) / 10:g}"
        )
