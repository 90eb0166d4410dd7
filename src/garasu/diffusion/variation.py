"""Variations: the noise of one seed on its way to the noise of another, and the noise of another size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from garasu.diffusion.errors import SamplingError, unknown
from garasu.diffusion.noise import Noise, Shape, Source

Slerp = Literal["whole", "columns"]
NEARLY_PARALLEL = 0.9995  # cosine beyond which the arc's formula divides by nearly nothing, and a line is as good


def slerp(a: Tensor, b: Tensor, share: float, along: Slerp = "whole") -> Tensor:
    """From ``a`` (share 0) to ``b`` (share 1) along the arc between them, each row of [B, C, H, W] for itself.

    sin((1 − s)·ω)/sin ω·a + sin(s·ω)/sin ω·b with ω the angle between a and b (Shoemake 1985). A straight line would
    cut through the sphere: halfway between two noises its deviation is √½, and the picture comes out flat.

    Args:
        a, b: noises of the same shape.
        share: 0…1.
        along: "whole" takes a latent for one vector; "columns" takes every column of pixels of every channel for
            one, as A1111 does (its noise is slightly too weak for that, but its variations are made so).

    Raises:
        SamplingError: unknown ``along``, or a share that is out of range.
    """
    if along not in ("whole", "columns"):
        raise unknown("kind of slerp", along, ("whole", "columns"))
    if not 0 <= share <= 1:
        raise SamplingError(f"A variation's strength must lie in 0…1, got {share:g}.")
    return torch.stack([_along_columns(*pair, share) if along == "columns" else _whole(*pair, share)
                        for pair in zip(a, b, strict=True)])  # fmt: skip


def varied(
    seeds: Sequence[int],
    others: Sequence[int],
    strength: float,
    shape: Shape,
    along: Slerp = "whole",
    *,
    source: Source = "cpu",
) -> Tensor:
    """The noises of ``seeds``, each ``strength`` of the way to that of ``others``: [B, C, H, W] float32."""
    here, there = (Noise(some, shape, source=source).draw() for some in (seeds, others))
    return slerp(here, there, strength, along)


def resized(noise: Tensor, seeds: Sequence[int], shape: Shape, *, source: Source = "cpu") -> Tensor:
    """A noise in the middle of another size's, so that a seed's composition lives on there (A1111's seed resize).

    ``noise`` [B, C, h, w] is laid over the middle of the noises of ``seeds`` at ``shape``, or cut to it.
    """
    around = Noise(seeds, shape, source=source).draw()  # [B, C, H, W]
    here, there = zip(*(_overlap(noise.shape[axis], around.shape[axis]) for axis in (2, 3)), strict=True)
    around[:, :, there[0], there[1]] = noise[:, :, here[0], here[1]]
    return around


def arc_weights(angle: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """What the ends of an arc count at a share of the way; ``angle`` in radians, not a multiple of π."""
    return ((1 - share) * angle).sin() / angle.sin(), (share * angle).sin() / angle.sin()


def _whole(a: Tensor, b: Tensor, share: float) -> Tensor:
    cosine = torch.dot(a.flatten().double(), b.flatten().double()) / (a.double().norm() * b.double().norm())
    if cosine.abs() > NEARLY_PARALLEL:
        return torch.lerp(a, b, share)
    near, far = arc_weights(cosine.acos(), share)
    return (near * a + far * b).to(a)


def _along_columns(a: Tensor, b: Tensor, share: float) -> Tensor:
    """[C, H, W], an arc for each of the C·W columns; A1111 swaps the weights of its straight line."""
    cosine = torch.nn.functional.cosine_similarity(a, b, dim=1)  # [C, W]
    if cosine.mean() > NEARLY_PARALLEL:
        return torch.lerp(b, a, share)
    near, far = arc_weights(cosine.acos(), share)
    return near[:, None] * a + far[:, None] * b


def _overlap(inner: int, outer: int) -> tuple[slice, slice]:
    """Along one axis: what part of a noise lands where, both centred."""
    gap = (outer - inner) // 2
    length = inner if gap >= 0 else inner + 2 * gap
    return slice(max(-gap, 0), max(-gap, 0) + length), slice(max(gap, 0), max(gap, 0) + length)
