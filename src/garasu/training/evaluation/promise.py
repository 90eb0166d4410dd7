"""What a model promises: groups of attributes, their shares, and how far unseen combinations fall behind seen ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from garasu.training.evaluation.measures import Score, Scores, Verdict

GROUPS: tuple[tuple[str, ...], ...] = (
    ("subject", "background", "style"),
    ("fur", "pattern", "pose", "accessory"),
    ("eyes", "count", "place"),
)
"""Attributes that share a target, the easy ones first."""
PROMISED = tuple(name for group in GROUPS for name in group)


@dataclass(frozen=True)
class Both:
    """Right answers about held-out combinations, and about seen ones."""

    held_out: Score
    seen: Score


@dataclass(frozen=True)
class Gap:
    """How far held-out combinations are behind seen ones."""

    points: float  # seen minus held-out, in percentage points
    error: float  # the standard error of that, in points


@dataclass(frozen=True)
class Obedience:
    """The pictures of one guidance scale, judged."""

    guidance_scale: float
    held_out: Verdict
    seen: Verdict

    @property
    def groups(self) -> dict[str, Both]:
        """Every question about a group's attributes, by the group's name."""
        return {group_name(names): self._pooled(names) for names in GROUPS}

    @property
    def promised(self) -> Both:
        """Every question about the attributes of all groups."""
        return self._pooled(PROMISED)

    @property
    def gaps(self) -> dict[str, Gap]:
        """By attribute of a group, where both kinds of prompts ask for it."""
        held_out, seen = self.held_out.named, self.seen.named
        return {name: gap_between(held_out[name], seen[name]) for name in PROMISED if name in held_out and name in seen}

    @property
    def gap(self) -> Gap | None:
        """Over all attributes, each weighted by its held-out questions: both kinds are then asked for the same mix.

        The error takes the attributes of a picture for independent.
        """
        gaps = self.gaps
        weights = {name: self.held_out.named[name].of for name in gaps}
        total = sum(weights.values())
        if not total:
            return None
        points = sum(weights[name] * one.points for name, one in gaps.items()) / total
        return Gap(points, math.hypot(*(weights[name] * one.error for name, one in gaps.items())) / total)

    def _pooled(self, names: Iterable[str]) -> Both:
        known = list(names)
        return Both(pooled(self.held_out.named, known), pooled(self.seen.named, known))


def pooled(scores: Scores, names: Iterable[str]) -> Score:
    """The score over all questions about these attributes."""
    return sum((scores[name] for name in names if name in scores), Score())


def gap_between(held_out: Score, seen: Score) -> Gap:
    """The difference of two shares, with the standard error of Agresti and Caffo 2000.

    One right and one wrong answer are added to each for the error, which would else be 0 where all answers are right.
    """
    return Gap(100 * (seen.share - held_out.share), 100 * math.sqrt(_variance(held_out) + _variance(seen)))


def _variance(score: Score) -> float:
    share, of = (score.right + 1) / (score.of + 2), score.of + 2
    return share * (1 - share) / of


def recommended(scales: Sequence[Obedience]) -> float:
    """The guidance scale with the best share of held-out questions over all groups; the first of equals."""
    return max(scales, key=lambda one: one.promised.held_out.share).guidance_scale


def group_name(names: Iterable[str]) -> str:
    """A group as it is named in reports."""
    return ", ".join(map(spoken, names))


def ordered(names: Iterable[str]) -> list[str]:
    """Attributes in the order in which they are shown: those of the groups first."""
    known = set(names)
    return [*(name for name in PROMISED if name in known), *sorted(known - set(PROMISED))]


def spoken(name: str) -> str:
    """An attribute's name in words."""
    said: Mapping[str, str] = {"fur": "fur colour", "background_color": "background colour"}
    return said.get(name, name)
