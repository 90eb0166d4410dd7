"""How rare a cosine is among random directions: 0.2 is near nothing in a plane, and next to never in 768 dimensions.

Of two directions drawn uniformly in n dimensions, (1 + cosine)/2 follows the distribution Beta((n−1)/2, (n−1)/2). Its
tail is an incomplete beta function, by the continued fraction of DLMF 8.17.22 and kept as a logarithm: the probability
of cosine 0.99 in 768 dimensions is 10^-654, which no float holds.

Real embeddings do not point everywhere alike: see `garasu.glass.directions` for how many dimensions they really use.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

_PRECISION = 1e-15
_TINY = 1e-300  # in place of a denominator of 0
_WORDS = ((12, "trillion"), (9, "billion"), (6, "million"))


class RarityError(ValueError):
    """A cosine, a number of dimensions or a rarity that there is not."""


@dataclass(frozen=True)
class Rarity:
    """How often a random direction comes as near to a given one as `cosine`; prints as one line.

    `two_sided` counts as near to the opposite direction too: |cosine of the draw| ≥ |cosine|.
    """

    cosine: float
    dimensions: float
    log_probability: float  # natural logarithm, −inf…0
    two_sided: bool = False

    @property
    def probability(self) -> float:
        """0…1; 0.0 where a float cannot hold it."""
        return math.exp(self.log_probability)

    @property
    def one_in(self) -> float:
        """How many random directions it takes on average to meet one; inf where a float cannot hold it."""
        return math.exp(-self.log_probability) if self.log_probability > -700 else math.inf

    def __str__(self) -> str:
        """As "cosine 0.2 in 768 dimensions: one in 90 million random directions is as near"."""
        near = "as near, or as near to the opposite" if self.two_sided else "as near"
        many = spelled(-self.log_probability)
        return f"cosine {self.cosine:.4g} in {self.dimensions:g} dimensions: one in {many} random directions is {near}"


def rarity(cosine: float, dimensions: float, *, two_sided: bool = False) -> Rarity:
    """How rare it is that a random direction has this cosine, or a greater one, to a given direction. Exact.

    Args:
        cosine: −1…1.
        dimensions: 2 or more; a fraction is allowed, as `garasu.glass.directions` measures it.

    Raises:
        RarityError: out of these ranges.
    """
    if not -1 <= cosine <= 1:
        raise RarityError(f"a cosine lies between -1 and 1, not at {cosine:g}")
    if not 2 <= dimensions < math.inf:
        raise RarityError(f"directions need 2 dimensions or more, not {dimensions:g}")
    if two_sided:
        return Rarity(cosine, dimensions, min(0.0, math.log(2) + _log_tail(abs(cosine), dimensions)), two_sided)
    if cosine >= 0:
        return Rarity(cosine, dimensions, _log_tail(cosine, dimensions))
    return Rarity(cosine, dimensions, math.log1p(-math.exp(_log_tail(-cosine, dimensions))))


def cosine_for(one_in: float, dimensions: float, *, two_sided: bool = False) -> float:
    """The cosine that one in so many random directions reaches: the inverse of `rarity`.

    Raises:
        RarityError: `one_in` is not above 1 or not finite, or as `rarity`.
    """
    if not 1 < one_in < math.inf:
        raise RarityError(f"--one-in must be a number above 1, such as 1000000, not {one_in:g}")
    wanted = -math.log(one_in)
    low, high = (0.0 if two_sided else -1.0), 1.0  # the rarity grows with the cosine
    while (middle := (low + high) / 2) not in (low, high):
        if rarity(middle, dimensions, two_sided=two_sided).log_probability > wanted:
            low = middle
        else:
            high = middle
    return high


def log_density(cosine: float, dimensions: float) -> float:
    """Natural logarithm of the density of the cosine of two random directions, at −1 < cosine < 1."""
    a = (dimensions - 1) / 2
    return (a - 1) * math.log1p(-(cosine**2)) - _log_beta(a, 0.5)


def spelled(log_number: float) -> str:
    """A number of 1 or more, given by its natural logarithm, to two digits: 90 million, 1.7·10^654."""
    exponent = log_number / math.log(10)
    if exponent == math.inf:
        return "infinitely many"
    if exponent >= 15:
        whole = math.floor(exponent)
        return f"{10 ** (exponent - whole):.1f}·10^{whole}"
    number = math.exp(log_number)
    rounded = float(f"{number:.2g}")
    for power, word in _WORDS:
        if rounded >= 10**power:
            return f"{rounded / 10**power:,g} {word}"
    return f"{rounded:,g}"


def _log_tail(cosine: float, n: float) -> float:
    """log P(a random direction's cosine ≥ this), for 0 ≤ cosine ≤ 1: half of I_{1−c²}((n−1)/2, 1/2)."""
    outside = (1 - cosine) * (1 + cosine)  # 1 − c², also where c is nearly 1
    if outside == 0:
        return -math.inf
    if cosine**2 * (n + 4) > 3:  # where the fraction is quick
        return math.log(0.5) + _log_incomplete_beta(outside, (n - 1) / 2, 0.5)
    if cosine**2 == 0:
        return math.log(0.5)
    inside = math.exp(_log_incomplete_beta(cosine**2, 0.5, (n - 1) / 2))  # at most 0.92, so nothing cancels
    return math.log(0.5) + math.log1p(-inside)


def _log_incomplete_beta(x: float, a: float, b: float) -> float:
    """log I_x(a, b), the regularised incomplete beta function, for 0 < x < (a+1)/(a+b+2)."""
    front = a * math.log(x) + b * math.log1p(-x) - math.log(a) - _log_beta(a, b)
    return front - math.log(_continued(_coefficients(x, a, b)))


def _coefficients(x: float, a: float, b: float) -> Iterator[float]:
    m = 0
    while True:
        yield -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        m += 1
        yield m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))


def _continued(coefficients: Iterator[float]) -> float:
    """1 + d₁/(1 + d₂/(1 + …)), by Lentz's method: front to back, until nothing changes."""
    value, above, below = 1.0, 1.0, 0.0
    for d in coefficients:
        below = 1 / ((1 + d * below) or _TINY)
        above = (1 + d / above) or _TINY
        value *= above * below
        if abs(above * below - 1) < _PRECISION:
            return value
    raise AssertionError("the coefficients have no end")


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
