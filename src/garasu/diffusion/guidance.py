"""Classifier-free guidance: away from the negative prompt, towards the prompt."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from garasu.diffusion.clock import ByLevel, Clock
from garasu.diffusion.denoiser import Denoise
from garasu.diffusion.errors import SamplingError
from garasu.panes import moment

Conditioned = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(x [B, C, H, W], sigma [] or [B], context [B, T, D]) → x0; a Denoiser is one."""


@dataclass(frozen=True)
class Part:
    """One part of a prompt: its conditioning [B or 1, T, D], and what it counts, one for all rows or for each [B]."""

    context: Tensor
    weight: float | Tensor = 1.0


def guided(
    denoiser: Conditioned, positive: Tensor | Sequence[Part], negative: Tensor | None, scale: float | Tensor
) -> Denoise:
    """A denoiser that follows ``positive`` and avoids ``negative`` (Ho and Salimans, arXiv:2207.12598).

    x0 = x0⁻ + scale·Σ w·(x0⁺ − x0⁻) over the parts of the prompt, of which there is mostly one, with w = 1; several are
    composed (Liu et al., arXiv:2206.01714), as A1111's AND does it. The usual formula mixes ε; x0 is affine in ε for
    the same x, so both say the same. All parts run in one call, the negative rows first. Scale 1 of one part means x0⁺
    itself: only the B positive rows run, and ``negative`` may be ``None``.

    Args:
        denoiser: (x, sigma, context) → x0.
        positive: the prompts' conditioning [B, T, D], or [1, T, D] for all rows; or several parts, each so.
        negative: the same for what to avoid (the empty prompt if nothing else), with the same T. None with several
            parts makes x0 = Σ w·x0⁺ / Σ w, for a network that guides itself.
        scale: 7.5 is common; 1 is no guidance; 0 is the negative prompt alone. A tensor [B] gives each row its own.

    Raises:
        SamplingError: no part; ``negative`` is missing though scale ≠ 1, a T or D differs, or (when called) a
            conditioning has neither one row nor as many as x.
    """
    parts = [Part(positive)] if isinstance(positive, Tensor) else list(positive)
    if not parts:
        raise SamplingError("There is nothing to follow; give at least one conditioning.")
    if _is_one(scale) and (negative is None or (len(parts) == 1 and _is_one(parts[0].weight))):
        return _mean(denoiser, parts)
    if negative is None:
        said = "per row" if isinstance(scale, Tensor) else f"{scale:g}"
        raise SamplingError(f"Guidance scale {said} needs a negative conditioning; encode the empty prompt.")
    for part in parts:
        if part.context.shape[1:] != negative.shape[1:]:
            raise SamplingError(
                "Positive and negative conditioning must have the same tokens and width, got "
                f"{tuple(part.context.shape[1:])} and {tuple(negative.shape[1:])}; pad the shorter one."
            )

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        away, *towards = _each(denoiser, x, sigma, [negative, *(part.context for part in parts)], ("negative",))
        gain = sum(_column(part.weight, x) * (one - away) for part, one in zip(parts, towards, strict=True))
        return away + _column(scale, x) * gain

    return denoise


def by_step(stretches: Sequence[tuple[int, Denoise]], clock: Clock) -> Denoise:
    """One denoiser after another: each answers up to its step of the clock's, counted from 1; the last to the end."""

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        step = clock.step(sigma)
        answer = next((one for until, one in stretches if step <= until), stretches[-1][1])
        return answer(x, sigma)

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
    clock = ByLevel(sigmas)
    begin, finish = round(start * clock.steps), round(end * clock.steps)
    return by_step([(begin, unguided), (finish, guided), (clock.steps, unguided)], clock)


def _mean(denoiser: Conditioned, parts: Sequence[Part]) -> Denoise:
    """Without guidance: the weighted mean of the parts' answers, of one part its answer."""

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        answers = _each(denoiser, x, sigma, [part.context for part in parts])
        if len(answers) == 1:
            return answers[0]
        weights = [_column(part.weight, x) for part in parts]
        return sum(weight * one for weight, one in zip(weights, answers, strict=True)) / sum(weights)  # type: ignore[return-value]

    return denoise


def _each(
    denoiser: Conditioned, x: Tensor, sigma: Tensor, contexts: Sequence[Tensor], labels: tuple[str, ...] = ()
) -> Sequence[Tensor]:
    """The answers to several conditionings, asked for in one call of B rows each."""
    parts = len(contexts) - len(labels)
    names = [*labels, *(("prompt",) if parts == 1 else (f"prompt part {part}" for part in range(parts)))]
    with moment(rows=tuple(f"{name} {row}" for name in names for row in range(len(x)))):
        context = torch.cat([_rows(one, x) for one in contexts])  # [n·B, T, D]
        many = len(contexts)
        answers = denoiser(torch.cat([x] * many), torch.cat([sigma] * many) if sigma.ndim else sigma, context)
    return answers.chunk(many)  # [B, C, H, W] each


def _is_one(value: float | Tensor) -> bool:
    return not isinstance(value, Tensor) and value == 1


def _column(value: float | Tensor, x: Tensor) -> Tensor | float:
    """One number for all rows, or [B] → [B, 1, 1, 1]."""
    return value.to(x).reshape(-1, 1, 1, 1) if isinstance(value, Tensor) else value


def _rows(context: Tensor, x: Tensor) -> Tensor:
    """``context`` with one row for each row of ``x``: [B or 1, T, D] → [B, T, D]."""
    if len(context) not in (1, len(x)):
        raise SamplingError(f"{len(x)} latents need 1 or {len(x)} rows of conditioning, got {len(context)}.")
    return context.expand(len(x), -1, -1)
