"""Arithmetic on what the U-Net is told: conditionings [B, T, D] as vectors, each of the B·T rows for itself.

Everything takes a Conditioning or its tensor and gives a new tensor in the number format of the first; half precision
is computed in float32. The first row, start of text, is the same in every prompt, since nothing stands before it. It
takes part like any other: ``add(cat, tabby)`` doubles it, ``add(cat, subtract(tabby, empty))`` leaves it alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from garasu.diffusion.variation import NEARLY_PARALLEL, arc_weights
from garasu.prompts.conditioning import Conditioning

Words = Conditioning | Tensor


class AlgebraError(ValueError):
    """Conditionings that cannot be combined so, with what would help."""


def add(a: Words, b: Words) -> Tensor:
    """a + b."""
    x, y, kind = _alike(a, b)
    return (x + y).to(kind)


def subtract(a: Words, b: Words) -> Tensor:
    """a − b."""
    x, y, kind = _alike(a, b)
    return (x - y).to(kind)


def scale(a: Words, factor: float) -> Tensor:
    """factor·a."""
    x, kind = _wide(a)
    return (x * _finite("factor", factor)).to(kind)


def lerp(a: Words, b: Words, share: float) -> Tensor:
    """(1 − share)·a + share·b, exactly a at 0 and b at 1; shares outside 0…1 go on along the line."""
    x, y, kind = _alike(a, b)
    return torch.lerp(x, y, _finite("share", share)).to(kind)


def slerp(a: Words, b: Words, share: float) -> Tensor:
    """From a to b along an arc, row by row: sin((1 − s)·ω)/sin ω·a + sin(s·ω)/sin ω·b, ω the angle between the rows.

    Rows of one length keep it on the way (Shoemake 1985). Where the cosine of two rows is beyond ±0.9995, as it is
    for start of text and where a row is zero, their straight line is taken instead, as for noise
    (`garasu.diffusion.variation`). Shares outside 0…1 go on along the arc.
    """
    x, y, kind = _alike(a, b)
    share = _finite("share", share)
    cosine = torch.nn.functional.cosine_similarity(x.double(), y.double(), dim=-1)[..., None]  # [B, T, 1]
    straight = (cosine.abs() > NEARLY_PARALLEL) | ((x == 0).all(-1, True) | (y == 0).all(-1, True))
    near, far = arc_weights(torch.where(straight, 0.0, cosine).acos(), share)
    return torch.where(straight, torch.lerp(x, y, share), (near * x + far * y).to(x)).to(kind)


def mean(words: Sequence[Words], weights: Sequence[float] | None = None) -> Tensor:
    """Σ wᵢ·aᵢ / Σ wᵢ; without weights all count alike.

    Raises:
        AlgebraError: nothing to average, weights that are not one each, or that add up to 0; shapes as everywhere.
    """
    shares = [1.0] * len(words) if weights is None else [_finite("weight", weight) for weight in weights]
    if not words or len(shares) != len(words):
        raise AlgebraError(f"{len(words)} conditionings cannot be averaged with {len(shares)} weights: give one each")
    total = sum(shares)
    if abs(total) < 1e-9 * sum(map(abs, shares)) or not any(shares):
        raise AlgebraError(f"the weights {', '.join(f'{one:g}' for one in shares)} add up to 0: change one of them")
    kind, first = _tensor(words[0]).dtype, words[0]
    parts = [share / total * _alike(first, one)[1] for share, one in zip(shares, words, strict=True)]
    return torch.stack(torch.broadcast_tensors(*parts)).sum(0).to(kind)


def project_out(a: Words, b: Words) -> Tensor:
    """a without what it has of b: each row less its component along b's row, a − (a·b / b·b)·b.

    The result is at right angles to b. Zero rows of b take nothing away.
    """
    x, y, kind = _alike(a, b)
    square = (y * y).sum(-1, True)  # [B, T, 1]
    along = (x * y).sum(-1, True) / torch.where(square == 0, 1.0, square)
    return (x - along * y).to(kind)


def normalise(a: Words, to: Words | float) -> Tensor:
    """Each row in the direction of a's, as long as the same row of ``to``, or as the number ``to``; zero rows stay."""
    if isinstance(to, int | float):
        x, kind = _wide(a)
        length: Tensor | float = _finite("length", to)
    else:
        x, y, kind = _alike(a, to)
        length = y.norm(dim=-1, keepdim=True)  # [B, T, 1]
    own = x.norm(dim=-1, keepdim=True)
    return (x / torch.where(own == 0, 1.0, own) * length).to(kind)


def norm(a: Words) -> float:
    """The mean length of the rows."""
    return float(_wide(a)[0].norm(dim=-1).mean())


def _alike(a: Words, b: Words) -> tuple[Tensor, Tensor, torch.dtype]:
    """Both in a format to compute in, and a's own; rows may differ where one has a single row.

    Raises AlgebraError for shapes that do not fit.
    """
    (x, kind), (y, _) = _wide(a), _wide(b)
    if x.shape[1:] != y.shape[1:] or (len(x) != len(y) and 1 not in (len(x), len(y))):
        raise AlgebraError(
            f"a conditioning of {tuple(x.shape)} and one of {tuple(y.shape)} do not fit together: both need equally "
            "many rows (or one), tokens (chunks align with `aligned`) and numbers a token (of the same model)"
        )
    return x, y.to(x), kind


def _wide(a: Words) -> tuple[Tensor, torch.dtype]:
    x = _tensor(a)
    if x.ndim != 3 or not x.is_floating_point():
        raise AlgebraError(f"a conditioning is a tensor [B, T, D] of floats, not {x.dtype} of shape {tuple(x.shape)}")
    return (x if x.dtype == torch.float64 else x.float()), x.dtype


def _tensor(a: Words) -> Tensor:
    return a if isinstance(a, Tensor) else a.tensor


def _finite(name: str, number: float) -> float:
    if not math.isfinite(number):
        raise AlgebraError(f"the {name} must be a finite number, not {number}")
    return float(number)
