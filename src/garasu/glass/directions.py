"""Directions themselves: random ones counted, and real vectors measured against them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from garasu.glass.rarity import RarityError, spelled

Vectors = NDArray[np.floating]
_AT_ONCE = 1 << 24  # numbers drawn at a time, 64 MB


def simulated(dimensions: int, count: int, seed: int = 0) -> NDArray[np.float32]:
    """The cosines [count] of as many random directions to one random direction, drawn and multiplied out.

    Raises:
        RarityError: fewer than 2 dimensions or 1 direction.
    """
    if dimensions < 2 or count < 1:
        raise RarityError(f"a simulation needs 2 dimensions and 1 direction or more, not {dimensions:g} and {count}")
    generator = np.random.default_rng(seed)
    target = generator.standard_normal(dimensions, dtype=np.float32)
    target /= np.linalg.norm(target)
    found = []
    for start in range(0, count, rows := max(1, _AT_ONCE // dimensions)):
        drawn = generator.standard_normal((min(rows, count - start), dimensions), dtype=np.float32)  # [rows, n]
        found.append(drawn @ target / np.linalg.norm(drawn, axis=1))
    return np.concatenate(found)


@dataclass(frozen=True)
class Spread:
    """How real vectors lie: the cosines of all their pairs."""

    vectors: int
    dimensions: int
    mean: float  # cosine; 0 for random directions
    effective_dimensions: float  # random directions of so many vary as much in their cosines: 1/variance
    cosines: NDArray[np.float64]  # of every pair, ascending

    @classmethod
    def of(cls, vectors: Vectors) -> Spread:
        """Of vectors [N, D], three or more that differ.

        Raises:
            RarityError: fewer, or one of length 0.
        """
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if len(vectors) < 3 or not lengths.all():
            raise RarityError("a spread needs three vectors or more, none of length 0")
        unit = (vectors / lengths).astype(np.float64)
        cosines = np.sort((unit @ unit.T)[np.triu_indices(len(unit), 1)])
        if cosines.var() == 0:
            raise RarityError("a spread needs vectors that differ, and these are all the same")
        return cls(len(vectors), vectors.shape[1], cosines.mean(), 1 / cosines.var(), cosines)

    def reaching(self, cosine: float) -> int:
        """How many pairs have this cosine or a greater one."""
        return len(self.cosines) - int(np.searchsorted(self.cosines, cosine))

    def said(self, cosine: float) -> str:
        """In a sentence: what is rare among these vectors, not among random directions."""
        found = self.reaching(cosine)
        pairs = len(self.cosines)
        share = f"{found / pairs:.0%}" if found > 0.1 * pairs else f"one in {spelled(math.log(pairs / (found or 1)))}"
        return (
            f"{self.vectors} vectors of {self.dimensions} dimensions: their cosines are {self.mean:+.3f} on average "
            f"and vary as in {self.effective_dimensions:.0f} dimensions; of {pairs:,} pairs "
            f"{f'{found:,} reach' if found else 'none reaches'} {cosine:.4g}{f' ({share})' if found else ''}"
        )
