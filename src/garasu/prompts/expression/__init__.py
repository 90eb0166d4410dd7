"""Prompts as vectors, in writing: ``cat + 0.43*tabby``, ``"a drawing of a cat"{cat -> lerp(cat, kitten, 0.3)}``.

The grammar is in `nodes`, what may be combined with what in `kinds`. Reading and printing need no torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from garasu.prompts.expression.errors import ExpressionError
from garasu.prompts.expression.nodes import Node, Variable, bound, walk
from garasu.prompts.expression.reading import read
from garasu.prompts.expression.texts import texts_of

if TYPE_CHECKING:
    from garasu.prompts.conditioning import Conditioning

__all__ = ["Expression", "ExpressionError", "read_expression"]


@dataclass(frozen=True)
class Expression:
    """A conditioning, as it is computed. str() writes it in the one canonical way, which reads back equal."""

    tree: Node
    source: str = field(compare=False, repr=False)  # as it was written, which errors show

    @property
    def variables(self) -> frozenset[str]:
        """The names of numbers that are still to be given."""
        return frozenset(node.name for node in walk(self.tree) if isinstance(node, Variable))

    @property
    def prompts(self) -> tuple[str, ...]:
        """The texts that are encoded, each once: sentences, and what they are with a word exchanged."""
        return texts_of(self.tree)

    def bind(self, **values: float) -> Expression:
        """The same with numbers for some variables; names that do not occur make no difference.

        Raises:
            ExpressionError: a number that is not finite.
        """
        for name, value in values.items():
            if not math.isfinite(value):
                raise ExpressionError(f"{name} must be a finite number, not {value}", self.source, 1)
        return Expression(bound(self.tree, values), self.source)

    def evaluate(self, encode: Callable[[str], Conditioning], variables: Mapping[str, float] = {}) -> Conditioning:
        """The conditioning [1, T, D], of no single prompt, so without tokens.

        Computed in float32 at least, given in the encoder's number format. Prompts of different numbers of chunks are
        aligned with the empty prompt's.

        Args:
            encode: one text to its conditioning [1, T, D]; called once for each of `prompts`, and once for the empty
                text where chunks must be aligned.
            variables: numbers for those that are not bound.

        Raises:
            ExpressionError: a variable without a number; a word that is not in its sentence; a result that is not
                finite.
        """
        from garasu.prompts.expression.evaluation import evaluated

        return evaluated(self.bind(**variables).complete().tree, cache(encode), self.source)

    def complete(self) -> Expression:
        """Itself, if no variable lacks a number.

        Raises:
            ExpressionError: one does.
        """
        for node in walk(self.tree):
            if isinstance(node, Variable):
                problem = f'{node} has no value: bind one, or write "{node}" in quotes for the word'
                raise ExpressionError(problem, self.source, node.column)
        return self

    def __str__(self) -> str:
        return str(self.tree)


def read_expression(text: str) -> Expression:
    """An expression in the language of `garasu.prompts.expression`.

    Raises:
        ExpressionError: what is wrong, at which column, and the fix.
    """
    return Expression(read(text), text)
