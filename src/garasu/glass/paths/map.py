"""A map of paths: the plane in which they spread most, by principal component analysis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from garasu.glass.paths.errors import PathError
from garasu.glass.paths.path import Floats, Path, aligned

What = Literal["x0", "latent"]
LEVELS = 100  # of each path, at most, evenly spread over its steps


@dataclass(frozen=True, eq=False)
class Map:
    """``points`` [N, S+1, 2]: each path at each level, and its end, on the first two principal components.

    ``explained``: the share of the points' variance that lies along either. ``sigma`` [S]: the levels.
    ``what``: of x0, or of the latents in the network's scale, x/√(1+σ²). ``apart``: whether the mean path was taken
    away, so that only what tells the paths apart is left.
    """

    paths: tuple[Path, ...]
    what: What
    apart: bool
    sigma: Floats
    points: Floats
    explained: tuple[float, float]

    @property
    def ends(self) -> Floats:
        """Where the paths end, [N, 2]."""
        return self.points[:, -1]

    def __str__(self) -> str:
        first, second = self.explained
        return (
            f"{len(self.paths)} paths of {self.what} on a plane that has {first + second:.0%} of their variance "
            f"({first:.0%} and {second:.0%})" + (", the mean path taken away" if self.apart else "")
        )


def path_map(paths: Sequence[Path], what: What = "x0", *, apart: bool = False) -> Map:
    """The map of two or more paths of one size, at their common levels (see `aligned`).

    Args:
        paths: of `paths_of`, or of a fan.
        what: of each step; latents in the network's scale.
        apart: take the mean path away, level by level.

    Raises:
        PathError: one path alone, several sizes, no levels in common, or nothing that moves.
    """
    common = [_thinned(one) for one in aligned(paths)]
    walked = [_walked(one, what) for one in common]
    points = torch.stack(walked).double().flatten(2)  # [N, S+1, D]
    centred = points - (points.mean(0) if apart else points.mean((0, 1)))
    coordinates, explained = components(centred.flatten(0, 1))
    placed = coordinates.unflatten(0, points.shape[:2]).numpy()
    return Map(tuple(common), what, apart, np.array(common[0].sigma), placed, explained)


def components(centred: Tensor) -> tuple[Tensor, tuple[float, float]]:
    """Coordinates [M, 2] of points [M, D] on their first two principal components, and the variance along each.

    From the points' inner products, M×M numbers, since D is far larger. An axis points to where its largest entry is
    positive. Raises PathError for points that are all the same.
    """
    values, vectors = torch.linalg.eigh(centred @ centred.T)
    total = float(values.clamp(min=0).sum())
    if total == 0:
        raise PathError("these paths are all the same and never move: there is nothing to map")
    largest, axes = values.flip(0)[:2].clamp(min=0), vectors.flip(1)[:, :2]
    directions = centred.T @ axes  # [D, 2]
    signs = directions.gather(0, directions.abs().argmax(0, keepdim=True)).sign()  # [1, 2]
    shares = (largest / total).tolist()
    return axes * largest.sqrt() * torch.where(signs == 0, 1, signs), (shares[0], shares[1])


def _walked(path: Path, what: What) -> Tensor:
    return torch.cat([path.x0 if what == "x0" else path.scaled, path.finished[None]])  # [S+1, C, h, w]


def _thinned(path: Path) -> Path:
    count = len(path.sigma)
    if count <= LEVELS:
        return path
    kept = np.linspace(0, count - 1, LEVELS).round().astype(int).tolist()
    levels = tuple(path.sigma[step] for step in kept)
    return Path(path.label, levels, path.latent[kept], path.x0[kept], path.finished)
