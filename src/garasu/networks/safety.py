"""Stable Diffusion 1.x's safety checker: how near a picture is to concepts that nobody names.

The checkpoint carries vectors in CLIP's shared space and a threshold for each, but no words for them. The rule is that
of CompVis's and diffusers' `StableDiffusionSafetyChecker`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from garasu.networks.clip_vision import CLIPVision, CLIPVisionConfig

STRICTER = 0.01  # what a special-care hit adds to every score after it
DIGITS = 3  # scores are rounded before they are compared


@dataclass(frozen=True)
class SafetyConfig:
    """All numbers of a safety checker; the defaults are Stable Diffusion 1.x's."""

    vision: CLIPVisionConfig = field(default_factory=CLIPVisionConfig)
    concepts: int = 17
    special_care: int = 3


@dataclass(frozen=True)
class SafetyScore:
    """One vector's cosine to a picture; `score` is what it exceeds its threshold by, rounded to three digits."""

    cosine: float
    threshold: float
    score: float

    @property
    def exceeds(self) -> bool:
        """Whether the picture is nearer than the threshold allows."""
        return self.score > 0


@dataclass(frozen=True)
class SafetyReport:
    """What the checker says about one picture, in the checkpoint's order; prints as a table."""

    special_care: tuple[SafetyScore, ...]
    concepts: tuple[SafetyScore, ...]

    @property
    def flagged(self) -> bool:
        """Whether any concept is exceeded; special care alone flags nothing, it makes the concepts stricter."""
        return any(one.exceeds for one in self.concepts)

    @property
    def summary(self) -> str:
        """One line: what exceeds, or how near the nearest comes."""
        named = list(self._named())
        if hits := [name for name, one in named if one.exceeds]:
            return f"{'flagged' if self.flagged else 'not flagged'}: above the threshold of {', '.join(hits)}"
        name, nearest = max(named, key=lambda pair: pair[1].score)
        return f"not flagged: nearest is {name}, {nearest.cosine:.3f} of {nearest.threshold:.3f}"

    def __str__(self) -> str:
        """The summary, and a line for each vector: cosine, threshold, score."""
        rows = (
            f"  {name:<16}{one.cosine:>8.3f}{one.threshold:>11.3f}{one.score:>+8.3f}{'  exceeds' * one.exceeds}"
            for name, one in self._named()
        )
        return "\n".join([self.summary, f"  {'':<16}{'cosine':>8}{'threshold':>11}{'score':>8}", *rows])

    def to_json(self) -> dict[str, Any]:
        """Plain data: for each vector cosine, threshold and score."""

        def rows(scores: Sequence[SafetyScore]) -> list[list[float]]:
            return [[round(one.cosine, 4), round(one.threshold, 4), one.score] for one in scores]

        return {"flagged": self.flagged, "special_care": rows(self.special_care), "concepts": rows(self.concepts)}

    def _named(self) -> Iterator[tuple[str, SafetyScore]]:
        yield from ((f"special care {i}", one) for i, one in enumerate(self.special_care))
        yield from ((f"concept {i}", one) for i, one in enumerate(self.concepts))


class SafetyChecker(nn.Module):
    """A vision tower, and the vectors that its embedding is compared to."""

    def __init__(self, config: SafetyConfig = SafetyConfig()) -> None:
        super().__init__()
        self.config = config
        width = config.vision.projection_width
        self.vision = CLIPVision(config.vision)
        self.concept_embeds = nn.Parameter(torch.ones(config.concepts, width))
        self.special_care_embeds = nn.Parameter(torch.ones(config.special_care, width))
        self.concept_thresholds = nn.Parameter(torch.ones(config.concepts))
        self.special_care_thresholds = nn.Parameter(torch.ones(config.special_care))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels [B, 3, S, S], normalised → cosines to special care [B, 3] and to the concepts [B, 17], float32."""
        embedding = F.normalize(self.vision(pixels.to(self.concept_embeds.dtype)).float())  # [B, E]
        special, concepts = (F.normalize(one.float()) for one in (self.special_care_embeds, self.concept_embeds))
        return embedding @ special.T, embedding @ concepts.T

    def judge(self, pixels: Tensor) -> list[SafetyReport]:
        """A report for each of the pictures [B, 3, S, S]."""
        special, concepts = (cosines.tolist() for cosines in self(pixels))
        cares, limits = self.special_care_thresholds.tolist(), self.concept_thresholds.tolist()
        return [report(a, cares, b, limits) for a, b in zip(special, concepts, strict=True)]


def report(
    special: Sequence[float],
    special_thresholds: Sequence[float],
    concepts: Sequence[float],
    thresholds: Sequence[float],
) -> SafetyReport:
    """The rule: score = cosine − threshold + adjustment; the first special-care hit sets the adjustment to 0.01."""
    adjustment, cares = 0.0, []
    for cosine, threshold in zip(special, special_thresholds, strict=True):
        cares.append(SafetyScore(cosine, threshold, round(cosine - threshold + adjustment, DIGITS)))
        if cares[-1].exceeds:
            adjustment = STRICTER
    found = [
        SafetyScore(cosine, threshold, round(cosine - threshold + adjustment, DIGITS))
        for cosine, threshold in zip(concepts, thresholds, strict=True)
    ]
    return SafetyReport(tuple(cares), tuple(found))
