"""One run as a path: where it was at every noise level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from garasu.glass.paths.errors import PathError
from garasu.glass.record.opening import Record

Floats = NDArray[np.float64]
SAME = 1e-6  # relative difference of two noise levels that are taken for one


@dataclass(frozen=True, eq=False)
class Path:
    """``sigma`` [S] falls; ``latent`` and ``x0`` are [S, C, h, w] at these levels; ``finished`` [C, h, w]; float32."""

    label: str
    sigma: tuple[float, ...]
    latent: Tensor
    x0: Tensor
    finished: Tensor

    @property
    def scaled(self) -> Tensor:
        """The latents in the network's scale, x/√(1+σ²), in which all levels are of about unit variance."""
        return self.latent / (1 + torch.tensor(self.sigma, dtype=self.latent.dtype) ** 2).sqrt()[:, None, None, None]


def paths_of(record: Record, picture: int | None = None, label: str = "") -> list[Path]:
    """The paths of a record's pictures, or of one of them, counted from 0.

    A level that a sampler visits more than once counts as it was left for the last time (Heun's second evaluation,
    restarts). Where a picture has several walks, the first is taken.

    Raises:
        PathError: there is no such picture.
    """
    count = len(record.pictures)
    if picture is not None and not 0 <= picture < count:
        raise PathError(f"there is no picture {picture + 1} in {record.path}: it has {count}, counted from 1")
    chosen = range(count) if picture is None else [picture]
    return [_path(record, index, label or record.path.name) for index in chosen]


def last_visits(sigma: Sequence[float]) -> list[int]:
    """Of levels in the order of the walk, those that no later one reaches again: they fall."""
    kept: list[int] = []
    highest = 0.0
    for index in reversed(range(len(sigma))):
        if sigma[index] > highest * (1 + SAME):
            kept.append(index)
            highest = sigma[index]
    return kept[::-1]


def aligned(paths: Sequence[Path]) -> list[Path]:
    """The same paths at the same noise levels: those of the one with fewest steps, as far as all of them reach.

    In between, latents lie on the straight line over σ (what a step of Euler or DDIM walks), x0 on that over log σ.

    Raises:
        PathError: fewer than two, latents of several sizes, or levels that have no two in common.
    """
    if len(paths) < 2:
        raise PathError("there are fewer than two runs to look at: give two or more")
    sizes = {tuple(one.finished.shape) for one in paths}
    if len(sizes) > 1:
        shown = " and ".join("x".join(map(str, size)) for size in sorted(sizes))
        raise PathError(f"latents of {shown} cannot be compared: record runs of one size")
    if all(_same(one.sigma, paths[0].sigma) for one in paths):
        return list(paths)
    fewest = min(paths, key=lambda one: len(one.sigma)).sigma
    high, low = min(one.sigma[0] for one in paths), max(one.sigma[-1] for one in paths)
    levels = [level for level in fewest if low / (1 + SAME) <= level <= high * (1 + SAME)]
    if len(levels) < 2:
        raise PathError("the runs have no two noise levels in common: record them with more steps, or one sampler")
    return [_at(one, levels) for one in paths]


def _path(record: Record, index: int, label: str) -> Path:
    entry = record.document.pictures[index]
    walk = record.group(entry.group)[0]
    kept, row = last_visits(walk.sigma), entry.row
    named = label if len(record.pictures) == 1 else f"{label} {index + 1}"
    return Path(
        named,
        tuple(walk.sigma[step] for step in kept),
        torch.stack([walk.latent[step][row] for step in kept]),
        torch.stack([walk.x0[step][row] for step in kept]),
        walk.finished[row].clone(),
    )


def _same(one: Sequence[float], other: Sequence[float]) -> bool:
    return len(one) == len(other) and np.allclose(one, other, rtol=SAME, atol=0)


def _at(path: Path, levels: Sequence[float]) -> Path:
    return Path(
        path.label,
        tuple(levels),
        _between(path.latent, np.array(path.sigma), np.array(levels)),
        _between(path.x0, np.log(path.sigma), np.log(levels)),
        path.finished,
    )


def _between(values: Tensor, places: Floats, wanted: Floats) -> Tensor:
    """Values [S, …] at falling places, on the straight lines between them; beyond the ends, the ends."""
    after = np.clip(np.searchsorted(-places, -wanted), 1, len(places) - 1)
    share = np.clip((wanted - places[after - 1]) / (places[after] - places[after - 1]), 0, 1)
    weight = torch.tensor(share, dtype=values.dtype).reshape(-1, *[1] * (values.ndim - 1))
    return torch.lerp(values[after - 1], values[after], weight)
