"""One picture's walk in a record, and the steps of it to be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from garasu.glass.record.errors import RecordError
from garasu.glass.record.opening import Record
from garasu.glass.record.walk import Walk
from garasu.tasks.sampled import Sampled


@dataclass(frozen=True)
class PictureWalk:
    """What a walk is for one of its pictures; every tensor is [1, 4, h, w], float32. ``recipe`` is that picture's."""

    recipe: Sampled
    walk: Walk
    row: int

    def __len__(self) -> int:
        return len(self.walk)

    @property
    def sigma(self) -> tuple[float, ...]:
        """The noise level of each step."""
        return self.walk.sigma

    @property
    def t(self) -> tuple[float, ...]:
        """The timestep of each step, with fractions."""
        return self.walk.t

    @property
    def finished(self) -> Tensor:
        """The finished latent."""
        return self.walk.finished[self.row][None]

    @property
    def title(self) -> str:
        """The prompt, and what tells the walk from others."""
        one = self.recipe
        return f"{one.prompt} · {one.sampler}, {len(self)} steps, guidance {one.guidance_scale:g}, seed {one.seed}"

    def latent(self, step: int) -> Tensor:
        """x = x0 + σ·noise."""
        return self.walk.latent[step][self.row][None]

    def scaled(self, step: int) -> Tensor:
        """x/√(1 + σ²): the same in the scale of finished latents, as the network sees it and the papers write it."""
        return self.latent(step) / (1 + self.sigma[step] ** 2) ** 0.5

    def x0(self, step: int) -> Tensor:
        """The clean latent believed then, guided."""
        return self.walk.x0[step][self.row][None]

    def eps(self, step: int) -> Tensor:
        """The noise believed then, (x − x0)/σ."""
        return self.walk.eps[step][self.row][None]

    def steps(self, named: Sequence[int] = (), count: int = 8) -> tuple[int, ...]:
        """The steps named, −1 being the last, else ``count`` of them evenly from the first to the last.

        Raises:
            RecordError: there is no such step, or none is asked for.
        """
        total = len(self)
        if count < 1:
            raise RecordError(f"one step or more can be shown, not {count}")
        for step in named:
            if not -total <= step < total:
                raise RecordError(f"there is no step {step}: the walk has {total}, 0 to {total - 1}")
        even = torch.linspace(0, total - 1, min(count, total)).round().int().tolist()
        return tuple(dict.fromkeys(step % total for step in named or even))


def picture_walk(record: Record, picture: int = 0, walk: int = 0) -> PictureWalk:
    """A walk of one of a record's pictures.

    Args:
        record: an open one.
        picture: which, from 0.
        walk: which of that picture's walks, from 0; a second pass or further windows are further walks.

    Raises:
        RecordError: there is no such picture or walk.
    """
    if not 0 <= picture < len(record.pictures):
        raise RecordError(f"there is no picture {picture + 1}: the record has {len(record.pictures)}, counted from 1")
    entry = record.document.pictures[picture]
    walks = record.group(entry.group)
    if not 0 <= walk < len(walks):
        raise RecordError(f"there is no walk {walk + 1}: the picture has {len(walks)}, counted from 1")
    return PictureWalk(record.pictures[picture], walks[walk], entry.row)
