"""A prompt as it was read: what it says at every step of the denoising, whichever syntax it was typed in.

``garasu.prompts.syntax.parse`` makes one. Nothing here knows a tokenizer: a prompt ends in pieces of text with weights.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, Self

LIMIT = 1e30  # weights are finite: larger ones are this, smaller ones than 1/LIMIT are 0 (both far beyond any use)


class PromptError(ValueError):
    """A prompt, or a question about one, that cannot be answered; the message names the fix."""


@dataclass(frozen=True)
class Fragment:
    """Text to be encoded with one weight: 1 as it is, more for emphasis, less for the opposite."""

    text: str
    weight: float = 1.0


Section = tuple[Fragment, ...]  # what stands between two BREAKs; neighbours have different weights, no text is empty


@dataclass(frozen=True)
class Network:
    """An extra network that a prompt asks for, ``<lora:name:0.8:te=0.5>``; ``arguments`` and ``options`` as typed."""

    kind: Literal["lora", "hypernet"]
    name: str
    arguments: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Said:
    """One part of a prompt at one step. ``weight`` is that of AND, or of a mix, where the weights sum to 1.

    The sections are encoded apart and set one behind the other. There is at least one; an empty one is ``()``.
    """

    weight: float
    sections: tuple[Section, ...]


class Words(Protocol):
    """What a part says, step by step. Equal words are equal prompts."""

    def wording(self, step: int, steps: int) -> Hashable:
        """Something that is equal at two steps only if the same is said."""

    def sections(self, wording: Hashable) -> tuple[Section, ...]:
        """What a wording says."""

    def stops(self, steps: int) -> Iterable[int]:
        """Steps after which the wording may be another (none is missing), within 1..``steps``."""

    def later(self, before: int) -> Self:
        """What it says in a second run, which counts on from the end of a first one of ``before`` steps."""


@dataclass(frozen=True)
class Fixed:
    """Words that stay the same at every step."""

    said: tuple[Section, ...]

    def wording(self, step: int, steps: int) -> Hashable:
        """Always the same."""
        return None

    def sections(self, wording: Hashable) -> tuple[Section, ...]:
        """The only ones."""
        return self.said

    def later(self, before: int) -> Self:
        """Still the same."""
        return self

    def stops(self, steps: int) -> Iterable[int]:
        """Nowhere."""
        return ()


@dataclass(frozen=True)
class Part:
    """What stands between two ANDs, or two ``|`` of a mix."""

    weight: float
    words: Words


@dataclass(frozen=True)
class Prompt:
    """A prompt, read. Two are equal when they are of one syntax and say the same with the same networks.

    ``str(prompt)`` is its canonical text, which parses to an equal prompt. ``join`` tells how the parts become one
    picture: "compose" adds up their predictions (AND), "mix" averages their conditionings.
    """

    syntax: str
    parts: tuple[Part, ...] = field(repr=False)
    text: str = field(compare=False)  # canonical
    networks: tuple[Network, ...] = field(default=(), repr=False)
    join: Literal["compose", "mix"] = field(default="compose", repr=False)

    def __str__(self) -> str:
        return self.text

    def at(self, step: int, steps: int) -> tuple[Said, ...]:
        """What every part says at ``step`` of ``steps``, counted from 1.

        Raises:
            PromptError: ``step`` is not within 1..``steps``.
        """
        _check_steps(steps)
        if not 1 <= step <= steps:
            raise PromptError(f"Step {step} is not between 1 and {steps}; steps are counted from 1.")
        return tuple(Said(part.weight, part.words.sections(part.words.wording(step, steps))) for part in self.parts)

    def changes(self, steps: int) -> tuple[int, ...]:
        """The last step of every stretch in which the same is said, counted from 1; the last one is ``steps``.

        Raises:
            PromptError: ``steps`` is below 1.
        """
        _check_steps(steps)
        stops = sorted({stop for part in self.parts for stop in part.words.stops(steps)} - {steps})
        known: dict[Hashable, tuple[tuple[Section, ...], ...]] = {}
        said = [self._said(stop, steps, known) for stop in (*stops, steps)]
        return (*(stop for stop, now, then in zip(stops, said, said[1:], strict=False) if now != then), steps)

    def later(self, before: int) -> Prompt:
        """What it is in a second run, which counts on from the end of a first one of ``before`` steps.

        There 1.5 is the middle, and before + 1 the first step.
        """
        return replace(self, parts=tuple(replace(part, words=part.words.later(before)) for part in self.parts))

    @property
    def fixed(self) -> bool:
        """Whether the words have no schedule, so that they are the same at every step."""
        return all(isinstance(part.words, Fixed) for part in self.parts)

    def describe(self, steps: int) -> str:
        """How the prompt was read, in several lines: parts, stretches of steps, pieces of text with their weights.

        Raises:
            PromptError: ``steps`` is below 1.
        """
        return "\n".join(_described(self, steps))

    def _said(
        self, step: int, steps: int, known: dict[Hashable, tuple[tuple[Section, ...], ...]]
    ) -> tuple[tuple[Section, ...], ...]:
        """As ``at``, read once for each wording."""
        wordings = tuple(part.words.wording(step, steps) for part in self.parts)
        if wordings not in known:
            pairs = zip(self.parts, wordings, strict=True)
            known[wordings] = tuple(part.words.sections(wording) for part, wording in pairs)
        return known[wordings]


def finite(weight: float) -> float:
    """A weight that can be calculated with: not beyond ±``LIMIT``; 0 if below 1/``LIMIT`` or not a number."""
    if abs(weight) > LIMIT:
        return LIMIT if weight > 0 else -LIMIT
    return weight if abs(weight) >= 1 / LIMIT else 0.0


def phrase(text: str) -> Section:
    """Text of weight 1 as a section."""
    return (Fragment(text),) if text else ()


def merged(pieces: Iterable[tuple[str, float]], between: str = "") -> Section:
    """Pieces of text with their weights as a section: empty ones dropped, neighbours of equal weight as one."""
    texts: list[list[str]] = []
    weights: list[float] = []
    for text, weight in pieces:
        if text and weights and weights[-1] == weight:
            texts[-1].append(text)
        elif text:
            texts.append([text])
            weights.append(weight)
    return tuple(Fragment(between.join(run), weight) for run, weight in zip(texts, weights, strict=True))


def _check_steps(steps: int) -> None:
    if steps < 1:
        raise PromptError(f"A picture of {steps} steps is none; give at least 1.")


def _described(prompt: Prompt, steps: int) -> Iterator[str]:
    count = len(prompt.parts)
    joined = {"compose": "whose predictions are added up", "mix": "whose conditionings are averaged"}[prompt.join]
    yield f"{prompt.syntax}: {prompt}"
    if count > 1:
        yield f"{count} parts {joined}"
    for network in prompt.networks:
        settings = [*network.arguments, *(f"{key}={value}" for key, value in network.options)]
        yield " ".join([f"{network.kind} {network.name}", *settings])
    stretches: dict[tuple[Said, ...], list[str]] = {}
    first = 1
    for last in prompt.changes(steps):
        stretches.setdefault(prompt.at(last, steps), []).append(f"{first}-{last}" if first < last else f"{last}")
        first = last + 1
    for said, when in stretches.items():
        if len(stretches) > 1:
            yield f"{'steps' if '-' in when[0] or when[1:] else 'step'} {', '.join(when)}:"
        for number, part in enumerate(said, start=1):
            if count > 1 or part.weight != 1:
                yield f"  part {number}, weight {part.weight:g}"
            yield from _lines(part.sections)


def _lines(sections: tuple[Section, ...]) -> Iterator[str]:
    for number, section in enumerate(sections):
        if number:
            yield "    BREAK"
        for fragment in section:
            yield f"    {fragment.weight:<8.4g} {fragment.text!r}"
        if not section:
            yield "    (nothing)"
