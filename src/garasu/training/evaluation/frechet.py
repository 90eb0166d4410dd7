"""The Fréchet distance between the model's pictures and fresh drawings (Heusel et al. 2017, §2).

Both sets are taken for Gaussians in the space of CLIP's vision tower. Finite sets come out too far apart, with half as
many pictures by about twice as much. So the distance is read against a floor with the same counts: drawings of the very
scenes that the prompts describe, against the same drawings as the pictures. A model that draws like the world itself
would reach it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor

from garasu.training.evaluation.features import Eye
from garasu.training.evaluation.questions import Question
from garasu.world.scene import held_out_scene, random_scene

RENDERS = 4  # drawings to compare with for each picture


@dataclass(frozen=True)
class Distance:
    """How far the model's pictures are from drawings, and how far other drawings are."""

    distance: float
    floor: float
    ratio: float  # of the two
    pictures: int  # the model's, and drawings of the same scenes for the floor
    renders: int  # that both are compared with, of other scenes


@dataclass(frozen=True)
class Frechet:
    """The distances for both kinds of prompts, each to drawings of scenes of its own kind."""

    tower: str  # whose vision tower looked
    guidance_scale: float
    seen: Distance
    held_out: Distance


def distance_to_drawings(
    eye: Eye, questions: Sequence[Question], vectors: Tensor, *, held_out: bool, seed: int = 0
) -> Distance:
    """The pictures' ``vectors`` [N, E], two or more, against fresh drawings of scenes as random as the questions'."""
    rng = Random(f"frechet/{seed}/{held_out}")
    scenes = [held_out_scene(rng) if held_out else random_scene(rng) for _ in range(RENDERS * len(questions))]
    reference = eye.drawings(scenes, [rng.getrandbits(32) for _ in scenes])
    same = eye.drawings([one.scene for one in questions], [rng.getrandbits(32) for _ in questions])
    distance, floor = (frechet(gaussian(one), gaussian(reference)) for one in (vectors, same))
    return Distance(distance, floor, distance / floor, len(questions), len(scenes))


def gaussian(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Mean [E] and covariance [E, E] of N vectors [N, E], N − 1 in the denominator."""
    return vectors.mean(0), vectors.T.cov()


def frechet(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> float:
    """|μ₁ − μ₂|² + Tr(C₁ + C₂ − 2 (C₁C₂)^½) of two Gaussians, given as mean [E] and covariance [E, E] in float64.

    C₁C₂ has the eigenvalues of the symmetric C₁^½ C₂ C₁^½, so the trace of its root is the sum of their roots.
    """
    (mean1, cov1), (mean2, cov2) = one, other
    root = _root(cov1)
    shared = torch.linalg.eigvalsh(root @ cov2 @ root).clamp(min=0).sqrt().sum()
    return float((mean1 - mean2).square().sum() + cov1.trace() + cov2.trace() - 2 * shared)


def _root(cov: Tensor) -> Tensor:
    """The symmetric square root of a covariance [E, E]; rounding may have left eigenvalues a little below 0."""
    values, vectors = torch.linalg.eigh(cov)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T
