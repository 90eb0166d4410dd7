"""Text in, what the U-Net is told out: one place that knows how a model's prompts are read."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from garasu.networks.clip_text import CLIPText
from garasu.prompts.chunks import fit
from garasu.prompts.conditioning import Conditioning, encode, encode_said, filled, mixed, warn_if_ignored
from garasu.prompts.expression import Expression, read_expression
from garasu.prompts.prompt import Prompt, Said
from garasu.prompts.rules import ALGEBRA, ReadingRules
from garasu.prompts.schedule import PromptSchedule, Reading
from garasu.prompts.syntax import parse
from garasu.prompts.tokenizer import Tokenizer

Phrase = tuple[Said, ...] | Expression
"""What one conditioning is made from: what a part of a prompt says, several to be mixed, or an expression."""


@dataclass(frozen=True)
class Spoken:
    """A prompt, as a schedule asks it."""

    prompt: Prompt

    def at(self, step: int, steps: int) -> list[tuple[Phrase, float]]:
        """The parts that AND joins, with their weights; a mix is one part."""
        said = self.prompt.at(step, steps)
        if self.prompt.join == "mix":
            return [(said, 1.0)]
        return [((Said(1.0, one.sections),), one.weight) for one in said]

    def changes(self, steps: int) -> Sequence[int]:
        """Where it says something else."""
        return self.prompt.changes(steps)

    def later(self, before: int) -> Spoken:
        """What it is in a second run after one of ``before`` steps."""
        return Spoken(self.prompt.later(before))


@dataclass(frozen=True)
class Calculated:
    """An expression, which is the same at every step."""

    expression: Expression

    def at(self, step: int, steps: int) -> list[tuple[Phrase, float]]:
        """Itself."""
        return [(self.expression, 1.0)]

    def changes(self, steps: int) -> Sequence[int]:
        """Never."""
        return (steps,)

    def later(self, before: int) -> Calculated:
        """Still the same."""
        return self


@dataclass(frozen=True)
class Reader:
    """How a model's prompts become conditionings; ``ready`` gives the text encoder where it computes."""

    ready: Callable[[], CLIPText]
    tokenizer: Tokenizer
    rules: ReadingRules

    def schedule(self, prompts: str | Sequence[str], *, composes: bool = True) -> PromptSchedule:
        """What a walk is told by prompts, one a row; ``composes`` False reads AND as a word, as negative prompts do.

        Raises:
            PromptError: an unknown syntax.
            ExpressionError: an expression that cannot be read.

        Warns:
            NetworkIgnored: for each ``<lora:…>`` and ``<hypernet:…>``.
        """
        rows = [prompts] if isinstance(prompts, str) else prompts
        quoted = functools.cache(self._encode)  # the frames of a film say the same words in other shares
        return PromptSchedule(
            [self.read(row, composes=composes) for row in rows],
            lambda phrase: self._conditioning(phrase, quoted),
            self._tokens,
            lambda: quoted("").tensor,
        )

    def read(self, text: str, *, composes: bool = True) -> Reading:
        """One prompt, as a schedule asks it; no text at all is the empty prompt in every syntax."""
        if self.rules.syntax == ALGEBRA and text.strip():
            return Calculated(read_expression(text).complete())
        prompt = parse(text, self.rules.of_words.syntax, composes=composes)
        warn_if_ignored(prompt)
        return Spoken(prompt)

    def encode(self, prompts: str | Sequence[str]) -> Conditioning:
        """Prompts that stay the same, one a row, [B, T, D]: as `garasu.prompts.conditioning.encode`, and expressions.

        Raises:
            ExpressionError: an expression that cannot be read or computed; the rest as there.
        """
        rows = [prompts] if isinstance(prompts, str) else list(prompts)
        if self.rules.syntax != ALGEBRA or not rows:
            return self._encode(rows)
        quoted = functools.cache(self._encode)
        found = [read_expression(row).evaluate(quoted) if row.strip() else quoted("") for row in rows]
        longest = max(one.tensor.shape[1] for one in found)
        tensors = [one.tensor for one in found]
        if any(one.shape[1] < longest for one in tensors):
            tensors = [filled(one, longest, quoted("").tensor) for one in tensors]
        return Conditioning(torch.cat(tensors))

    def _encode(self, prompts: str | Sequence[str]) -> Conditioning:
        return encode(self.ready(), self.tokenizer, prompts, self.rules.of_words)

    def _conditioning(self, phrase: Phrase, quoted: Callable[[str], Conditioning]) -> Conditioning:
        if isinstance(phrase, Expression):
            return phrase.evaluate(quoted)
        words = encode_said(self.ready(), self.tokenizer, phrase, self.rules)
        return words if len(phrase) == 1 else mixed(words, [one.weight for one in phrase])

    def _tokens(self, phrase: Phrase) -> int:
        """T of a phrase's conditioning."""
        length, rules = self.ready().config.max_length, self.rules
        return max(
            len(fit(self.tokenizer, one.sections, length, split=rules.split, max_chunks=rules.max_chunks).tokens)
            for one in self._said(phrase)
        )

    def _said(self, phrase: Phrase) -> Sequence[Said]:
        """All that a phrase has encoded."""
        if isinstance(phrase, Expression):
            return [one for text in phrase.prompts for one in parse(text, self.rules.of_words.syntax).at(1, 1)]
        return phrase
