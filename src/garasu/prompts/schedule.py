"""What a walk is told at each of its steps, by prompts that change on the way or have several parts.

A1111's prompt editing, ``[cat:dog:0.5]``, alternation, ``[cat|dog]``, and composition, ``cat AND dog``; most prompts
have one part that stays the same to the end.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from garasu.diffusion.guidance import Part
from garasu.prompts.conditioning import NO_PROMPT, Conditioning, filled

Phrase = Hashable
"""What a conditioning is made from, to be found again when it is said again."""


class Reading(Protocol):
    """A prompt that was read: what it says at each step, from 1."""

    def at(self, step: int, steps: int) -> Sequence[tuple[Phrase, float]]:
        """The parts at one of so many steps, and what each counts."""

    def changes(self, steps: int) -> Sequence[int]:
        """The last step of each stretch in which it says the same; the last of all is ``steps``."""

    def later(self, before: int) -> Reading:
        """What it says in a second run, which counts on from the end of a first one of ``before`` steps."""


@dataclass(frozen=True)
class Counted:
    """A reading that counts so many steps, whatever others count."""

    reading: Reading
    steps: int

    def at(self, step: int, steps: int) -> Sequence[tuple[Phrase, float]]:
        """By its own count."""
        return self.reading.at(step, self.steps)

    def changes(self, steps: int) -> Sequence[int]:
        """By its own count."""
        return self.reading.changes(self.steps)

    def later(self, before: int) -> Reading:
        """In a third run."""
        return self.reading.later(before)


@dataclass(frozen=True, eq=False)
class Stretch:
    """Steps in a row that are told the same: up to ``until``, counted from 1."""

    until: int
    parts: tuple[Part, ...]  # contexts [1, T, D] where all rows say the same, else [B, T, D]; T is everywhere the same


class PromptSchedule:
    """What each row of a batch is told, over a walk of any number of steps. Nothing is encoded twice."""

    def __init__(
        self,
        prompts: Sequence[Reading],
        encode: Callable[[Any], Conditioning],
        measure: Callable[[Any], int],
        empty: Callable[[], Tensor],
    ) -> None:
        """``prompts``: one a row. ``encode``: a phrase's conditioning, [1, T, D]; ``measure``: its T, without encoding.

        ``empty``: the empty prompt's, [1, 77, D].

        Raises ValueError for no prompt.
        """
        if not prompts:
            raise ValueError(NO_PROMPT)
        self.prompts = tuple(prompts)
        self.encoded: dict[Phrase, Conditioning] = {}
        self._encode = encode
        self._measure = measure
        self.empty = empty

    def __len__(self) -> int:
        return len(self.prompts)

    def later(self, before: int, steps: int) -> PromptSchedule:
        """What a second walk is told, after one of ``before`` steps; it counts ``steps``, whatever it is asked."""
        prompts = [Counted(one.later(before), steps) for one in self.prompts]
        found = PromptSchedule(prompts, self._encode, self._measure, self.empty)
        found.encoded = self.encoded
        return found

    def tokens(self, steps: int) -> int:
        """T of the longest that a walk of ``steps`` is told; nothing is encoded for that."""
        return max(
            self._measure(phrase)
            for prompt in self.prompts
            for end in prompt.changes(steps)
            for phrase, _ in prompt.at(end, steps)
        )

    @torch.no_grad()
    def over(self, steps: int, tokens: int = 0) -> tuple[Stretch, ...]:
        """What a walk of ``steps`` is told, in order; at least ``tokens`` long, filled up with empty prompts."""
        ends = sorted({end for prompt in self.prompts for end in prompt.changes(steps)})
        said = [(tuple(tuple(prompt.at(end, steps)) for prompt in self.prompts), end) for end in ends]
        lasting = [
            (rows, end)
            for (rows, end), after in zip(said, [*said[1:], None], strict=True)
            if not after or rows != after[0]
        ]
        longest = max(tokens, self.tokens(steps))
        return tuple(Stretch(end, self._parts(rows, longest)) for rows, end in lasting)

    def _parts(self, rows: Sequence[Sequence[tuple[Phrase, float]]], tokens: int) -> tuple[Part, ...]:
        """The first parts of all rows, the second, …; one that has no more repeats its first for nothing."""
        found = []
        for index in range(max(map(len, rows))):
            some = [row[index] if index < len(row) else (row[0][0], 0.0) for row in rows]
            phrases, weights = zip(*some, strict=True)
            same = len(set(phrases)) == 1
            contexts = [self._filled(one, tokens) for one in (phrases[:1] if same else phrases)]
            weight = weights[0] if len(set(weights)) == 1 else torch.tensor(weights)
            found.append(Part(torch.cat(contexts), weight))
        return tuple(found)

    def _tensor(self, phrase: Phrase) -> Tensor:
        if phrase not in self.encoded:
            self.encoded[phrase] = self._encode(phrase)
        return self.encoded[phrase].tensor

    def _filled(self, phrase: Phrase, tokens: int) -> Tensor:
        known = self._tensor(phrase)
        return known if known.shape[1] == tokens else filled(known, tokens, self.empty())


Words = Conditioning | Tensor | PromptSchedule
"""What rows are told: the same from beginning to end, or by a schedule."""


@dataclass(frozen=True, eq=False)
class Guided:
    """Steps in a row, up to ``until``: what to follow, and what to avoid; all of the same T."""

    until: int
    parts: tuple[Part, ...]
    negative: Tensor | None

    @property
    def alone(self) -> bool:
        """Whether one part is all there is to follow, so that a guidance of 1 needs nothing else."""
        return len(self.parts) == 1 and not isinstance(self.parts[0].weight, Tensor) and self.parts[0].weight == 1

    def to(self, device: torch.device) -> Guided:
        """The same on another device."""
        parts = tuple(Part(one.context.to(device), one.weight) for one in self.parts)
        return Guided(self.until, parts, None if self.negative is None else self.negative.to(device))


def guided_stretches(words: Words, negative: Words | None, steps: int) -> tuple[Guided, ...]:
    """Prompts and negative prompts over a walk of ``steps``, padded alike where one of them is a schedule."""
    follow = _stretches(words, steps)
    if negative is None:
        return tuple(Guided(one.until, one.parts, None) for one in follow)
    avoid = _stretches(negative, steps, _tokens(follow))
    if _tokens(avoid) > _tokens(follow):
        follow = _stretches(words, steps, _tokens(avoid))
    return tuple(
        Guided(end, _at(follow, end).parts, _at(avoid, end).parts[0].context)
        for end in sorted({one.until for one in (*follow, *avoid)})
    )


def _stretches(words: Words, steps: int, tokens: int = 0) -> tuple[Stretch, ...]:
    if isinstance(words, PromptSchedule):
        return words.over(steps, tokens)
    return (Stretch(steps, (Part(words if isinstance(words, Tensor) else words.tensor),)),)


def _tokens(stretches: Sequence[Stretch]) -> int:
    return stretches[0].parts[0].context.shape[1]


def _at(stretches: Sequence[Stretch], step: int) -> Stretch:
    return next((one for one in stretches if step <= one.until), stretches[-1])  # which may count less than others
