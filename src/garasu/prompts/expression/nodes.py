"""The tree of an expression. A tree is read by `reading`, printed by str(), and equal to another if it means the same.

    expression = term {("+" | "-") term}
    term       = factor {("*" | "/") factor}
    factor     = "-" factor | NUMBER | VARIABLE | call | prompt | "(" expression ")"
    call       = FUNCTION "(" expression {"," expression} ")"
    prompt     = (words | STRING) ["{" change {"," change} "}"]
    change     = [(words | STRING) ["#" NUMBER]] ("->" | "=>" | "+=" | "-=" | "*=") expression
    words      = WORD {WORD}

WORD begins with a letter. A single lower-case letter by itself is a VARIABLE, and a WORD before "(" a FUNCTION. In a
STRING, between double quotes, a backslash before a quote or a backslash stands for that sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Kind = Literal["number", "conditioning"]
WORD = r"[^\W\d_][\w']*"
_BARE = re.compile(rf"(?![a-z]\Z){WORD}(?: {WORD})*")


@dataclass(frozen=True)
class Node:
    """A part of an expression. ``column`` is where it stood in the text, from 1; it makes no difference to equality."""

    column: int = field(compare=False, repr=False)

    @property
    def parts(self) -> tuple[Node, ...]:
        """The nodes that it is made of."""
        return ()

    def of(self, parts: tuple[Node, ...]) -> Node:
        """The same, made of others."""
        assert not parts
        return self


@dataclass(frozen=True)
class Number(Node):
    """A number; also what a variable becomes."""

    value: float

    def __str__(self) -> str:
        whole = self.value.is_integer() and abs(self.value) < 1e15
        return str(int(self.value)) if whole else repr(self.value)


@dataclass(frozen=True)
class Variable(Node):
    """A number that is given later."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Change(Node):
    """What becomes of a word: ``->`` of its own rows, ``=>`` of end of text and padding too."""

    word: str
    nth: int | None
    ends: bool
    value: Node

    def __str__(self) -> str:
        which = "" if self.nth is None else f"#{self.nth}"
        return f"{quoted(self.word)}{which} {'=>' if self.ends else '->'} {self.value}"


@dataclass(frozen=True)
class Text(Node):
    """A prompt, some of whose words may be changed."""

    text: str
    changes: tuple[Change, ...] = ()

    @property
    def parts(self) -> tuple[Node, ...]:
        """The values of the changes."""
        return tuple(change.value for change in self.changes)

    def of(self, parts: tuple[Node, ...]) -> Node:
        """The same with other values of its changes."""
        pairs = zip(self.changes, parts, strict=True)
        return replace(self, changes=tuple(replace(change, value=part) for change, part in pairs))

    def __str__(self) -> str:
        if not self.changes:
            return quoted(self.text)
        sentence = f'"{_escaped(self.text)}"' if " " in self.text else quoted(self.text)
        return f"{sentence}{{{', '.join(map(str, self.changes))}}}"


@dataclass(frozen=True)
class Negative(Node):
    """The opposite of something that is not a plain number."""

    value: Node

    @property
    def parts(self) -> tuple[Node, ...]:
        """What is negated."""
        return (self.value,)

    def of(self, parts: tuple[Node, ...]) -> Node:
        """The opposite of another."""
        return negated(parts[0], self.column)

    def __str__(self) -> str:
        return f"-{_within(self.value, Sum, Product)}"


@dataclass(frozen=True)
class Sum(Node):
    """Terms added and subtracted; the first sign is "+"."""

    signs: tuple[str, ...]
    terms: tuple[Node, ...]

    @property
    def parts(self) -> tuple[Node, ...]:
        """The terms."""
        return self.terms

    def of(self, parts: tuple[Node, ...]) -> Node:
        """The same of other terms."""
        return replace(self, terms=parts)

    def __str__(self) -> str:
        rest = (f" {sign} {_within(term, Sum)}" for sign, term in zip(self.signs[1:], self.terms[1:], strict=True))
        return _within(self.terms[0], Sum) + "".join(rest)


@dataclass(frozen=True)
class Product(Node):
    """Factors multiplied and divided; the first sign is "*"."""

    signs: tuple[str, ...]
    factors: tuple[Node, ...]

    @property
    def parts(self) -> tuple[Node, ...]:
        """The factors."""
        return self.factors

    def of(self, parts: tuple[Node, ...]) -> Node:
        """The same of other factors."""
        return replace(self, factors=parts)

    def __str__(self) -> str:
        pairs = zip(self.signs[1:], self.factors[1:], strict=True)
        rest = (f"{sign}{_within(factor, Sum, Product)}" for sign, factor in pairs)
        return _within(self.factors[0], Sum, Product) + "".join(rest)


@dataclass(frozen=True)
class Call(Node):
    """A function of some expressions."""

    name: str
    arguments: tuple[Node, ...]

    @property
    def parts(self) -> tuple[Node, ...]:
        """The arguments."""
        return self.arguments

    def of(self, parts: tuple[Node, ...]) -> Node:
        """The same of other arguments."""
        return replace(self, arguments=parts)

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.arguments))})"


def quoted(text: str) -> str:
    """A prompt as it is written: bare if it can be, else between quotes."""
    return text if _BARE.fullmatch(text) else f'"{_escaped(text)}"'


def negated(node: Node, column: int) -> Node:
    """The opposite; of a number, the number."""
    return Number(column, -node.value) if isinstance(node, Number) else Negative(column, node)


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in the order in which they are written."""
    yield node
    for part in node.parts:
        yield from walk(part)


def bound(node: Node, values: Mapping[str, float]) -> Node:
    """The same tree with numbers for some of its variables."""
    if isinstance(node, Variable) and node.name in values:
        return Number(node.column, float(values[node.name]))
    return node.of(tuple(bound(part, values) for part in node.parts))


def _within(node: Node, *loose: type[Node]) -> str:
    """As part of something that binds closer than these kinds."""
    return f"({node})" if isinstance(node, loose) else str(node)


def _escaped(text: str) -> str:
    return re.sub(r'\\(?=[\\"]|\Z)|"', r"\\\g<0>", text)
