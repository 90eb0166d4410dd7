"""The feature maps down and up a U-Net's ladder at some steps of a recorded run, and what its skips carry."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from garasu.diffusion.steps import Step
from garasu.glass.guidance import evenly
from garasu.glass.picture_walk import picture_walk
from garasu.glass.record.errors import RecordError
from garasu.glass.record.opening import Record
from garasu.glass.record.replaying import replay_steps
from garasu.glass.record.walk import PROMPT
from garasu.glass.without import skips
from garasu.model import StableDiffusion
from garasu.networks.unet import UpLevel
from garasu.panes import At, Watcher, look
from garasu.tasks.picture import Picture

STEPS = 4  # that are seen when none are named


@dataclass(frozen=True, eq=False)
class Rung:
    """One feature map over S steps: ``maps`` [S, h, w] its root mean square over channels; ``norm``, ``mean`` and
    ``std`` [S] over channels and places."""

    name: str
    maps: Tensor
    norm: Tensor
    mean: Tensor
    std: Tensor


@dataclass(frozen=True, eq=False)
class Skip:
    """What goes across the ladder: from the rung ``left`` to the block ``reader``, whose output is ``made``.

    ``share`` [S]: the reader's first convolution adds up what it makes of the skip and of what comes up from below;
    the part of the skip, in root mean squares: a / (a + b).
    """

    name: str
    left: Rung
    reader: str
    made: Rung
    share: Tensor


@dataclass(frozen=True, eq=False)
class UNetReport:
    """Of one row of the network, at some steps: the skips in the order in which they are left, and the middle."""

    steps: tuple[int, ...]
    row: str
    skips: tuple[Skip, ...]
    middle: Rung


def unet_report(
    sd: StableDiffusion, record: Record, steps: Sequence[int] = (), *, side: str = PROMPT, picture: int = 0
) -> UNetReport:
    """Walk a recorded run again, as far as the last of some steps, and watch the feature maps.

    Args:
        sd: the record's model.
        record: of any task; of a picture's walks the first is watched.
        steps: counted from 0; four of all when empty.
        side: "prompt", "negative" or a part of the prompt: see `Walk.sides`.
        picture: which of the record's, from 0.

    Raises:
        RecordError: no such step, side or picture.
    """
    check_watched(record, steps, picture)
    walk = picture_walk(record, picture).walk
    steps = tuple(sorted(set(steps))) or tuple(evenly(range(len(walk)), STEPS))
    ladder = [(f"skip.{index}", left, reader, width) for index, (left, reader, width) in enumerate(skips(sd.unet))]
    watch = _Watch(f"{side} 0", frozenset(steps))  # the picture is walked again alone
    made = {reader: _made(sd, reader) for _, _, reader, _ in ladder}
    halves = {f"{reader}.conv1": watch.halves(sd, reader, width) for _, _, reader, width in ladder}
    seen = dict.fromkeys((*(left for _, left, _, _ in ladder), *made.values(), "unet.middle"), watch)
    with look(sd, seen, before=halves), closing(_again(sd, record, steps[0], picture)) as walked:
        next(one for one in walked if not isinstance(one, Picture) and one.index == steps[-1])
    if not watch.seen:
        raise RecordError(f"there is no side {side!r} at these steps: the run's are {', '.join(walk.sides)}")
    return UNetReport(
        steps=steps,
        row=watch.row,
        skips=tuple(
            Skip(name, watch.rung(left, steps), reader, watch.rung(made[reader], steps), watch.share(reader, steps))
            for name, left, reader, _ in ladder
        ),
        middle=watch.rung("unet.middle", steps),
    )


def check_watched(record: Record, steps: Sequence[int], picture: int) -> None:
    """Before a model is loaded: whether the record has such a picture, and the first walk of that such steps.

    Raises:
        RecordError: it has not.
    """
    if not 0 <= picture < len(record.pictures):
        raise RecordError(f"there is no picture {picture}: the record has {len(record.pictures)}, counted from 0")
    walk = picture_walk(record, picture).walk
    if odd := [step for step in steps if not 0 <= step < len(walk)]:
        raise RecordError(f"there is no step {odd[0]}: the walk has {len(walk)}, 0 to {len(walk) - 1}")


def _again(sd: StableDiffusion, record: Record, start: int, picture: int) -> Generator[Step | Picture[Any], None, None]:
    """A picture's run from a step on, to be left before its end."""
    yield from replay_steps(sd, record, start=start, picture=picture)


def _made(sd: StableDiffusion, reader: str) -> str:
    """What a rung on the way up makes with a residual block: the transformer's output, where one follows."""
    level, _, index = reader.rpartition(".resnets.")
    up = sd.get_submodule(level)
    assert isinstance(up, UpLevel)
    return f"{level}.transformers.{index}" if len(up.transformers) else reader


@dataclass
class _Watch:
    """Reduces what passes of one row at some steps."""

    row: str
    steps: frozenset[int]
    seen: dict[tuple[str, int], tuple[Tensor, Tensor]] = field(default_factory=dict)  # map [h, w]; norm, mean, std
    shares: dict[tuple[str, int], float] = field(default_factory=dict)

    def __call__(self, value: Tensor, at: At) -> None:
        """Keep a feature map."""
        if (one := self._mine(value, at)) is not None and at.step is not None:
            numbers = torch.stack([one.square().mean().sqrt(), one.mean(), one.std()])
            self.seen[at.name, at.step] = one.square().mean(0).sqrt().cpu(), numbers.cpu()

    def halves(self, sd: StableDiffusion, reader: str, channels: int) -> Watcher:
        """Watches the input of a block's first convolution, whose last ``channels`` are the skip's."""
        weight = sd.get_submodule(f"{reader}.conv1").weight
        assert isinstance(weight, Tensor)

        def watcher(value: Tensor, at: At) -> None:
            if (one := self._mine(value, at)) is not None and at.step is not None:
                parts = (slice(-channels), slice(-channels, None))
                below, skip = (conv2d(one[None, some], weight[:, some].float(), padding=1).norm() for some in parts)
                self.shares[reader, at.step] = float(skip / (skip + below))

        return watcher

    def rung(self, name: str, steps: Sequence[int]) -> Rung:
        """One feature map over the steps."""
        maps, numbers = zip(*(self.seen[name, step] for step in steps), strict=True)
        return Rung(name, torch.stack(maps), *torch.stack(numbers).unbind(1))

    def share(self, reader: str, steps: Sequence[int]) -> Tensor:
        """[S]."""
        return torch.tensor([self.shares[reader, step] for step in steps])

    def _mine(self, value: Tensor, at: At) -> Tensor | None:
        if at.step not in self.steps or self.row not in at.rows:
            return None
        return value.detach()[at.rows.index(self.row)].float()  # [C, h, w]
