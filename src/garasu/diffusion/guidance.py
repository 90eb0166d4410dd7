"""Classifier-free guidance: away from the negative prompt, towards the prompt."""

from collections.abc import Callable

import torch
from torch import Tensor

from garasu.diffusion.denoiser import Denoise
from garasu.diffusion.errors import SamplingError
from garasu.panes import moment

Conditioned = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(x [B, C, H, W], sigma [] or [B], context [B, T, D]) → x0; a Denoiser is one."""


def guided(denoiser: Conditioned, positive: Tensor, negative: Tensor | None, scale: float) -> Denoise:
    """A denoiser that follows ``positive`` and avoids ``negative`` (Ho and Salimans, arXiv:2207.12598).

    x0 = x0⁻ + scale·(x0⁺ − x0⁻). The usual formula mixes ε; x0 is affine in ε for the same x, so both say the same.
    Both halves run in one call of 2B rows, the negative rows first. Scale 1 means x0⁺ itself: only the B positive
    rows run, and ``negative`` may be ``None``.

    Args:
        denoiser: (x, sigma, context) → x0.
        positive: the prompts' conditioning [B, T, D], or [1, T, D] for all rows.
        negative: the same for what to avoid (the empty prompt if nothing else), with the same T.
        scale: 7.5 is common; 1 is no guidance; 0 is the negative prompt alone.

    Raises:
        SamplingError: ``negative`` is missing though scale ≠ 1, its T or D differs, or (when called) a
            conditioning has neither one row nor as many as x.
    """
    if scale == 1:
        return _unguided(denoiser, positive)
    if negative is None:
        raise SamplingError(f"Guidance scale {scale:g} needs a negative conditioning; encode the empty prompt.")
    if positive.shape[1:] != negative.shape[1:]:
        raise SamplingError(
            f"Positive and negative conditioning must have the same tokens and width, got {tuple(positive.shape[1:])} "
            f"and {tuple(negative.shape[1:])}; pad the shorter one."
        )

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        context = torch.cat([_rows(negative, x), _rows(positive, x)])  # [2B, T, D]
        with moment(rows=_labels("negative", x) + _labels("prompt", x)):
            both = denoiser(torch.cat([x, x]), torch.cat([sigma, sigma]) if sigma.ndim else sigma, context)
        away, towards = both.chunk(2)  # [B, C, H, W] each
        return away + scale * (towards - away)

    return denoise


def within(guided: Denoise, unguided: Denoise, sigmas: Tensor, start: float, end: float) -> Denoise:
    """Guidance in a part of the walk only (Kynkäänniemi et al., arXiv:2404.07724): elsewhere one row runs, not two.

    With n steps, those of index round(start·n) up to before round(end·n) are guided; an evaluation between two levels
    belongs to the step that it is part of, one at the next level already to the next step.

    Args:
        guided, unguided: (x, sigma) → x0, both.
        sigmas: the walk's levels, descending [n + 1].
        start, end: shares of the walk, 0…1; 0 and 1 are all of it.

    Raises:
        SamplingError: not 0 ≤ start < end ≤ 1.
    """
    if not 0 <= start < end <= 1:
        raise SamplingError(f"Guidance must start before it ends, within 0 to 1; got {start:g} to {end:g}.")
    steps = len(sigmas) - 1
    high = float(sigmas[round(start * steps)]) if start else float("inf")
    low = float(sigmas[round(end * steps)]) if end < 1 else float("-inf")

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        return guided(x, sigma) if low < float(sigma) <= high else unguided(x, sigma)

    return denoise


def _unguided(denoiser: Conditioned, positive: Tensor) -> Denoise:
    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        with moment(rows=_labels("prompt", x)):
            return denoiser(x, sigma, _rows(positive, x))

    return denoise


def _rows(context: Tensor, x: Tensor) -> Tensor:
    """``context`` with one row for each row of ``x``: [B or 1, T, D] → [B, T, D]."""
    if len(context) not in (1, len(x)):
        raise SamplingError(f"{len(x)} latents need 1 or {len(x)} rows of conditioning, got {len(context)}.")
    return context.expand(len(x), -1, -1)


def _labels(what: str, x: Tensor) -> tuple[str, ...]:
    return tuple(f"{what} {row}" for row in range(len(x)))
