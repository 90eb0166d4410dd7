"""Recorded runs, compared with the first of them: distance at every step, and where they part.

comparison = compare([garasu.open_record("cat"), garasu.open_record("kitten")])
print(comparison)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from garasu.glass.paths.parting import Apart, Parting, apart, parting
from garasu.glass.paths.path import Path, aligned, paths_of
from garasu.glass.record.opening import Record


@dataclass(frozen=True, eq=False)
class Comparison:
    """``paths`` at common levels, the first of which the others are compared with; one of each tuple for each other."""

    paths: tuple[Path, ...]
    distances: tuple[Apart, ...]
    partings: tuple[Parting | None, ...]

    @property
    def others(self) -> tuple[Path, ...]:
        """All but the first."""
        return self.paths[1:]

    def __str__(self) -> str:
        rows = zip(self.others, self.distances, self.partings, strict=True)
        return "\n".join(
            f"{self.paths[0].label} and {one.label} {said(distance, found)}" for one, distance, found in rows
        )


def compare(records: Sequence[Record], picture: int = 0) -> Comparison:
    """Compare a picture, counted from 0, of several records with that of the first.

    Raises:
        PathError: fewer than two, no such picture, several sizes, or no noise levels in common.
    """
    names = [record.path.name for record in records]
    labels = names if len(set(names)) == len(names) else [str(record.path) for record in records]
    return compare_paths([paths_of(one, picture, label)[0] for one, label in zip(records, labels, strict=True)])


def compare_paths(paths: Sequence[Path]) -> Comparison:
    """The same of paths that were not recorded. Raises PathError."""
    common = tuple(aligned(paths))
    distances = tuple(apart(common[0], one) for one in common[1:])
    return Comparison(common, distances, tuple(map(parting, distances)))


def said(distance: Apart, found: Parting | None) -> str:
    """One line of two paths."""
    if found is None:
        return "end in the same place"
    return f"{found}; their finished latents are {distance.final:.3g} apart (root mean square; unrelated ones 1.41)"
