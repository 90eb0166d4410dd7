"""Weights of a mix."""

from __future__ import annotations

import math

from garasu.prompts.prompt import LIMIT, finite


def mean_weights(weights: list[float]) -> list[float]:
    """The weights divided by their sum; as they are if the sum is 0, or 1 but for rounding."""
    total = math.fsum(weights)
    if abs(total) < 1 / LIMIT or math.isclose(total, 1, rel_tol=1e-12):
        return weights
    return [finite(weight / total) for weight in weights]
