"""The tensors and the entries of a record while its run goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from garasu.diffusion.schedule import Schedule
from garasu.diffusion.steps import Step
from garasu.glass.record.document import Evaluation, PictureEntry, WalkEntry
from garasu.glass.record.replayed import ReplayedPicture
from garasu.glass.record.seen import Seen
from garasu.glass.record.tensors import TensorLog
from garasu.glass.record.words import Spoken
from garasu.tasks.picture import Picture
from garasu.tasks.sampled import Sampled


def step_name(walk: int, step: int, what: str) -> str:
    """What a tensor of a step is called in the file."""
    return f"walk.{walk}.step.{step}.{what}"


def finished_name(walk: int) -> str:
    """What a walk's finished latent is called in the file."""
    return f"walk.{walk}.finished"


def conditioning_name(index: int) -> str:
    """What the words that entered the U-Net are called in the file."""
    return f"conditioning.{index}"


@dataclass
class _Walk:
    group: int
    grid: tuple[int, int]
    rows: int
    first: int  # how many tensors were in the log before
    start: int  # and how many bytes
    evaluations: list[Evaluation] = field(default_factory=list)
    complete: bool = False


class Ledger:
    """Writes steps into a log, and keeps the list of walks, steps and pictures.

    A batch that ran out of memory is walked again in parts: what was written of it is taken out.
    """

    def __init__(self, log: TensorLog, schedule: Schedule, spoken: Spoken) -> None:
        self._log = log
        self._schedule = schedule
        self._spoken = spoken
        self._walks: list[_Walk] = []
        self._pictures: list[PictureEntry] = []
        self._conditioning: tuple[int, Tensor] | None = None
        self._said: list[tuple[int | None, ...]] = []  # of each conditioning so far
        self._first: Sampled | None = None
        self._origin: dict[str, Any] = {}

    @property
    def start(self) -> int:
        """At how many bytes the present group began."""
        return min((walk.start for walk in self._walks if walk.group == self._group), default=self._log.size)

    @property
    def walk_start(self) -> int:
        """At how many bytes the present walk began."""
        return self._walks[-1].start

    @property
    def pictures(self) -> int:
        """How many are finished."""
        return len(self._pictures)

    def step(self, step: Step, seen: Seen, seconds: float) -> None:
        """Keep one step and what was seen of it."""
        if step.index == 0:
            self._begin(step)
        walk = self._walks[-1]
        if step.index == step.total:
            self._log.add(finished_name(len(self._walks) - 1), step.latent)
            walk.complete = True
            return
        self._add(step.index, "latent", step.latent)
        self._add(step.index, "x0", step.x0)
        entry: dict[str, Any] = {}
        if seen.eps:
            entry = {"rows": seen.rows, "panes": tuple(seen.panes), "conditioning": self._words(seen)}
            self._add(step.index, "eps", torch.cat(seen.eps))
            for name, values in seen.panes.items():
                self._add(step.index, name, torch.cat(values))
        t = float(self._schedule.t(step.sigma))
        layout = _layout(step)
        walk.evaluations.append(Evaluation(sigma=step.sigma, t=t, seconds=seconds, channels_last=layout, **entry))

    def edited(self, step: Step) -> None:
        """Keep what the last step was changed to."""
        evaluations = self._walks[-1].evaluations
        evaluations[-1] = evaluations[-1].model_copy(update={"edited": True, "channels_last": _layout(step)})
        self._add(step.index, "edited.latent", step.latent)
        self._add(step.index, "edited.x0", step.x0)

    @property
    def recipe(self) -> Sampled:
        """Of all pictures: the first one's, with their count."""
        assert self._first is not None
        return self._first.but(count=len(self._pictures))

    def picture(self, picture: Picture[Any]) -> None:
        """Keep the recipe of a finished picture, and from where on it is another run than the one it replays."""
        if isinstance(picture, ReplayedPicture):
            self._origin = {"changed_at": picture.start, "origin": picture.of}
        self._first = self._first or picture.recipe
        group = self._walks[-1].group
        row = sum(entry.group == group for entry in self._pictures)
        self._pictures.append(PictureEntry(group=group, row=row, recipe=picture.recipe.model_dump()))

    def entries(self) -> dict[str, Any]:
        """The walks, words and pictures of a document."""
        labels = {(one.group, one.row): _label(one.recipe) for one in self._pictures}
        walks = tuple(
            WalkEntry(
                group=walk.group,
                grid=walk.grid,
                rows=tuple(labels.get((walk.group, row), f"row {row}") for row in range(walk.rows)),
                evaluations=tuple(walk.evaluations),
            )
            for walk in self._walks
        )
        said = {"phrases": self._spoken.phrases, "whole": self._spoken.whole, "conditionings": tuple(self._said)}
        return {"walks": walks, "pictures": tuple(self._pictures), **said, **self._origin}

    @property
    def _group(self) -> int:
        """The group of the walk that is under way, or that begins."""
        finished = {entry.group for entry in self._pictures}
        return max(finished, default=-1) + 1

    def _begin(self, step: Step) -> None:
        group, rows = self._group, len(step.latent)
        before = [walk for walk in self._walks if walk.group == group]
        if any(not walk.complete or walk.rows != rows for walk in before):
            self._log.rewind(before[0].first)
            self._walks = [walk for walk in self._walks if walk.group != group]
            self._conditioning = None
        grid = (step.latent.shape[-2], step.latent.shape[-1])
        self._walks.append(_Walk(group, grid, rows, len(self._log), self._log.size))

    def _add(self, index: int, what: str, tensor: Tensor) -> None:
        self._log.add(step_name(len(self._walks) - 1, index, what), tensor)

    def _words(self, seen: Seen) -> int:
        """The number of the conditioning; written where it is not the last step's."""
        words = torch.cat(seen.conditioning)
        if self._conditioning is not None and torch.equal(self._conditioning[1], words):
            return self._conditioning[0]
        self._conditioning = len(self._said), words
        self._said.append(self._spoken.of(words))
        self._log.add(conditioning_name(self._conditioning[0]), words)
        return self._conditioning[0]


def _layout(step: Step) -> tuple[bool, bool]:
    """Whether latent and x0 lie in memory with the channels last."""
    latent, x0 = (
        one.is_contiguous(memory_format=torch.channels_last) and not one.is_contiguous()
        for one in (step.latent, step.x0)
    )
    return latent, x0


def _label(recipe: dict[str, Any]) -> str:
    """What tells the pictures of one run apart."""
    return f"variation seed {recipe['variation_seed']}" if recipe["variation_strength"] else f"seed {recipe['seed']}"
