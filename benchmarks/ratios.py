"""Medians, spreads and ratios of samples that were taken in turns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Sample = dict[str, Any]


@dataclass(frozen=True)
class Summary:
    """Of one figure of one subject."""

    median: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Ratio:
    """Of a subject's figure to a reference's: above 1, the subject takes more."""

    of_medians: float
    paired: float  # the median of the ratios within a round, which a drifting machine does not move
    low: float
    high: float


def summary(values: Iterable[float]) -> Summary | None:
    """None for no values."""
    known = list(values)
    return Summary(median(known), min(known), max(known), len(known)) if known else None


def values(samples: Iterable[Sample], subject: str, measure: str, figure: str) -> dict[tuple[str, int], float]:
    """Its figures by group and round, warm-ups left out."""
    return {
        (sample["group"], sample["round"]): sample[figure]
        for sample in samples
        if sample["subject"] == subject and sample["measure"] == measure and sample["round"] and figure in sample
    }


def ratio(samples: Sequence[Sample], subject: str, reference: str, measure: str, figure: str) -> Ratio | None:
    """Over the rounds that both took part in; None where there is none."""
    ours, theirs = (values(samples, name, measure, figure) for name in (reference, subject))
    shared = sorted(ours.keys() & theirs.keys())
    if not shared:
        return None
    paired = [theirs[key] / ours[key] for key in shared]
    medians = median(theirs[key] for key in shared) / median(ours[key] for key in shared)
    return Ratio(medians, median(paired), min(paired), max(paired))
