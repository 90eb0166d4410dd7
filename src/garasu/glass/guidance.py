"""What guidance does at every step of a recorded run: how much, in which direction, and where in the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from garasu.glass.record.errors import RecordError
from garasu.glass.record.series import row_of
from garasu.glass.record.walk import NEGATIVE, PROMPT, Walk


@dataclass(frozen=True, eq=False)
class GuidanceReport:
    """Of one picture; S steps at which both predictions were kept.

    ``norm``: the root mean square of ε_c − ε_u over the latent (ε itself has about 1). ``angle``: between ε_c and ε_u
    as vectors, in degrees. ``across``: between ε_c − ε_u and ε_u, in degrees: 90 is neither along nor against it.
    ``maps`` [S, h, w]: the norm over the four channels of ε_c − ε_u, at each place. ``x0_guided`` and ``x0_alone``
    [S, 4, h, w]: the clean latent as the sampler was answered, and as the prompt alone would have it.
    """

    side: str
    label: str
    steps: tuple[int, ...]
    sigma: tuple[float, ...]
    norm: Tensor  # [S]
    angle: Tensor  # [S]
    across: Tensor  # [S]
    maps: Tensor
    x0_guided: Tensor
    x0_alone: Tensor

    def at(self, step: int) -> int:
        """The place of a step in the arrays. Raises RecordError if its predictions were not kept."""
        if step not in self.steps:
            raise RecordError(f"there is no guided step {step}: those kept are {', '.join(map(str, self.steps))}")
        return self.steps.index(step)


def guidance_report(walk: Walk, *, side: str = PROMPT, picture: int | str = 0) -> GuidanceReport:
    """Measure the guidance of a recorded walk.

    Args:
        walk: of a record (`record.walks[0]`).
        side: "prompt", or one of its parts ("prompt part 0"): what is set against the negative prompt.
        picture: which row, by number or label.

    Raises:
        RecordError: no such row or side, or a run without guidance.
    """
    row = row_of(walk.labels, picture)
    if side not in walk.sides:
        raise RecordError(f"there is no side {side!r}: name one of {', '.join(walk.sides)}")
    prompt, negative = walk.said(side), walk.said(NEGATIVE)
    steps = tuple(step for step in prompt.steps if step in negative.steps)
    if not steps:
        raise RecordError(
            "this run had no guidance (a scale of 1, or a model that needs none): there is nothing to see"
        )
    toward, away = (torch.stack([series[step][row] for step in steps]) for series in (prompt, negative))  # [S, 4, h, w]
    difference = toward - away
    sigma = [walk.sigma[step] for step in steps]
    latents = torch.stack([walk.latent[step][row] for step in steps])
    return GuidanceReport(
        side=side,
        label=walk.labels[row],
        steps=steps,
        sigma=tuple(sigma),
        norm=difference.square().mean((1, 2, 3)).sqrt(),
        angle=angles(toward, away),
        across=angles(difference, away),
        maps=difference.norm(dim=1),
        x0_guided=torch.stack([walk.x0[step][row] for step in steps]),
        x0_alone=latents - torch.tensor(sigma)[:, None, None, None] * toward,
    )


def angles(a: Tensor, b: Tensor) -> Tensor:
    """Angles in degrees between vectors [S, …], row by row: [S].

    By arctangent: the arccosine of a float32 cosine cannot tell angles under 0.02 degrees apart.
    """
    u, v = (one.flatten(1).double() / one.flatten(1).double().norm(dim=1, keepdim=True) for one in (a, b))
    return torch.rad2deg(2 * torch.atan2((u - v).norm(dim=1), (u + v).norm(dim=1))).float()


def evenly(steps: Sequence[int], count: int) -> list[int]:
    """Some of the steps, the first and the last among them, evenly between."""
    if len(steps) <= count:
        return list(steps)
    return [steps[round(index * (len(steps) - 1) / (count - 1))] for index in range(count)]
