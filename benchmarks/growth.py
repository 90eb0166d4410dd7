"""How a cost grows: the slope on logarithmic axes, a straight line, and where the cost leaves it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import LinearRegression, correlation, linear_regression

import numpy as np

AWAY = 0.15  # of the line's value: farther off, and the cost has left it


@dataclass(frozen=True)
class Growth:
    """Of a cost y over x."""

    exponent: float  # of y ~ x^exponent, fitted over all points
    fixed: float  # y = fixed + each · x, by least squares over all points
    each: float
    r_squared: float  # of that line
    departs_at: float | None  # the first x whose y is off the line through the lower half of the points


def fit(xs: Sequence[float], ys: Sequence[float]) -> Growth:
    """Over at least three points with positive numbers, x ascending."""
    line = linear_regression(xs, ys)
    exponent = linear_regression(np.log(xs).tolist(), np.log(ys).tolist()).slope
    r_squared = correlation(xs, ys) ** 2 if max(ys) > min(ys) else 1.0
    return Growth(exponent, line.intercept, line.slope, r_squared, _departure(xs, ys))


def _departure(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    half = max(2, len(xs) // 2 + len(xs) % 2)
    line: LinearRegression = linear_regression(xs[:half], ys[:half])
    for x, y in zip(xs, ys, strict=True):
        expected = line.intercept + line.slope * x
        if abs(y - expected) > AWAY * abs(expected):
            return x
    return None
