"""Two paths: how far apart they are at every noise level, and where they part."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from garasu.glass.paths.path import Floats, Path, aligned

EARLY, HALF, LATE = 0.25, 0.5, 0.75


@dataclass(frozen=True, eq=False)
class Apart:
    """Distances are root mean squares over all numbers of a latent, at each noise level.

    Finished latents have about unit variance, so two that have nothing to do with each other are √2 apart.
    """

    sigma: Floats  # [S], falling
    latent: Floats  # [S], of x
    x0: Floats  # [S], of what the network believes the finished latent to be
    share: Floats  # [S], how much of the final difference is in that of x0 already: ⟨Δx0, Δend⟩ / ‖Δend‖²
    final: float  # of the finished latents

    @property
    def hidden(self) -> Floats:
        """The latents' distance in units of the noise level, [S]: below 1 it is smaller than the noise around it."""
        return self.latent / self.sigma


@dataclass(frozen=True)
class Parting:
    """Where two paths part: the watershed.

    ``sigma``: the noise level below which half or more of the final difference is in that of x0, and stays there;
    ``step``: the same in levels of `Apart`, with fractions. ``early`` and ``late``: for a quarter and three quarters,
    between which they part. ``fastest``: where the share grows most for each unit of log σ. A level is infinite, and
    the step 0, where the share was reached before the first answer.
    """

    sigma: float
    step: float
    early: float
    late: float
    fastest: float

    def __str__(self) -> str:
        if math.isinf(self.sigma):
            return "part in the first step"
        early = "the first step" if math.isinf(self.early) else f"sigma {self.early:.3g}"
        return f"part at sigma {self.sigma:.3g} (step {self.step:.1f}), between {early} and {self.late:.3g}"


def apart(one: Path, other: Path) -> Apart:
    """How far apart two paths are at their levels, which `aligned` makes common. Raises PathError as that."""
    one, other = aligned([one, other])
    believed, end = one.x0 - other.x0, one.finished - other.finished
    return Apart(
        sigma=np.array(one.sigma),
        latent=rms(one.latent - other.latent),
        x0=rms(believed),
        share=share_of(believed, end),
        final=float(rms(end[None])[0]),
    )


def parting(distance: Apart) -> Parting | None:
    """Where two paths part, or None if they end in the same place."""
    if distance.final == 0:
        return None
    at = {part: _stays(distance.share, part) for part in (EARLY, HALF, LATE)}
    levels = np.log(distance.sigma)
    sigma = {part: _level(levels, place) for part, place in at.items()}
    return Parting(sigma[HALF], max(at[HALF], 0.0), sigma[EARLY], sigma[LATE], _fastest(levels, distance.share))


def share_of(differences: Tensor, whole: Tensor) -> Floats:
    """How much of a difference [C, h, w] is in each of others [S, C, h, w]: ⟨d, whole⟩ / ‖whole‖², [S]; 0 of none."""
    towards = whole.double().flatten()
    length = float(towards @ towards)
    found = differences.double().flatten(1) @ towards
    return np.asarray((found / length if length else found * 0).numpy())


def rms(differences: Tensor) -> Floats:
    """The root mean square of each of [S, …], in float64."""
    return np.asarray(differences.double().flatten(1).square().mean(1).sqrt().numpy())


def _stays(share: Floats, part: float) -> float:
    """From which place on, with fractions, a curve that ends at 1 is never below ``part`` again; −1: from the start."""
    curve = np.append(share, 1.0)  # the finished latents come one place after the last level
    below = np.flatnonzero(curve < part)
    if not len(below):
        return -1.0
    last = int(below[-1])
    return last + float((part - curve[last]) / (curve[last + 1] - curve[last]))


def _level(levels: Floats, place: float) -> float:
    """σ at a place among the levels, given as log σ; beyond the last level, the last."""
    return math.inf if place < 0 else float(np.exp(np.interp(place, np.arange(len(levels)), levels)))


def _fastest(levels: Floats, share: Floats) -> float:
    """σ in the middle of the step in which the share grows most for its length."""
    speed = np.diff(share) / -np.diff(levels)
    step = int(speed.argmax())
    return float(np.exp((levels[step] + levels[step + 1]) / 2))
