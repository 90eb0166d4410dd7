"""A1111's prompt editing ``[before:after:when]`` and alternation ``[a|b]``: text that depends on the step.

Square brackets are a switch if they are closed with all brackets inside them properly closed too, and

- two or one colons of their own divide them, the last one before a number (``[a:b:5]``, ``[b:0.5]``, ``[a::8]``), or
- bars of their own divide them (``[a|b]``, ``[a|]``).

All others are left to the emphasis as they stand. A switch is kept flat, as a range in a list, so that no depth of
nesting is too deep.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from garasu.prompts.prompt import Section
from garasu.prompts.syntax.brackets import read_emphasis
from garasu.prompts.syntax.numbers import SIGNED, decimal

TOKEN = re.compile(r"\\.|[\[\]():|]|[^\\\[\]():|]+|\\", re.DOTALL)
NUMBER = re.compile(rf"\s*({SIGNED}(?:[eE][-+]?[0-9]+)?)\s*")
FARTHEST = 1e9  # steps; beyond it lies no picture's end
CLOSERS = {")": "(", "]": "["}


class When(NamedTuple):
    """After which step: a count, or a fraction of all steps."""

    value: float
    fraction: bool

    @classmethod
    def read(cls, text: str) -> When:
        """A number with a point is a fraction."""
        value = max(-FARTHEST, min(FARTHEST, float(text)))
        return cls(value, True) if "." in text else cls(float(int(value)), False)

    def step(self, steps: int) -> int:
        """The last step before the change; 0 or less when it is over before it begins."""
        return min(steps, int(self.value * steps if self.fraction else self.value))

    def later(self, before: int) -> When:
        """The same counted from the end of a run of ``before`` steps, which is 1 as a fraction."""
        return When(self.value - (1 if self.fraction else before), self.fraction)

    def __str__(self) -> str:
        text = decimal(self.value)
        return f"{text}.0" if self.fraction and "." not in text else text


class Switch(NamedTuple):
    """One of several ranges of items is said: by turns, or the first up to a step and the second after it."""

    options: tuple[tuple[int, int], ...]
    end: int  # the item behind the switch
    when: When | None

    def chosen(self, step: int, steps: int) -> tuple[int, int]:
        """The range that is said at a step, counted from 1."""
        if self.when is None:
            return self.options[(step - 1) % len(self.options)]
        return self.options[0 if step <= self.when.step(steps) else 1]


@dataclass(frozen=True)
class Scheduled:
    """Words that change on the way. ``text`` is their canonical form."""

    items: tuple[str | Switch, ...]
    text: str = field(compare=False)

    def wording(self, step: int, steps: int) -> str:
        """The text at a step, its emphasis unread."""
        said: list[str] = []
        place, end = 0, len(self.items)
        back: list[tuple[int, int]] = []
        while place < end or back:
            if place == end:
                place, end = back.pop()
                continue
            item = self.items[place]
            if isinstance(item, str):
                said.append(item)
                place += 1
            else:
                back.append((item.end, end))
                place, end = item.chosen(step, steps)
        return "".join(said)

    def sections(self, wording: Hashable) -> tuple[Section, ...]:
        """The emphasis, read."""
        return read_emphasis(str(wording))

    def later(self, before: int) -> Scheduled:
        """What they are in a second run, after one of ``before`` steps."""
        items = (
            item._replace(when=item.when.later(before)) if isinstance(item, Switch) and item.when else item
            for item in self.items
        )
        return Scheduled(tuple(items), self.text)

    def stops(self, steps: int) -> Iterable[int]:
        """All steps if anything alternates."""
        whens = [item.when for item in self.items if isinstance(item, Switch)]
        if None in whens:
            return range(1, steps + 1)
        return {stop for when in whens if when is not None and (stop := when.step(steps)) >= 1}


def read_schedule(text: str) -> Scheduled | None:
    """The switches in a text, or None if it has none."""
    tokens = TOKEN.findall(text)
    switches = _find_switches(tokens)
    return _build(tokens, switches) if switches else None


class _Found(NamedTuple):
    """A switch among the tokens: its separators, its last token, and when it switches."""

    separators: tuple[int, ...]
    end: int
    when: When | None


def _find_switches(tokens: list[str]) -> dict[int, _Found]:
    """By their first token."""
    switches: dict[int, _Found] = {}
    open: list[tuple[int, int]] = []  # the token, and how many of the dividers stand before it
    dividers: list[int] = []  # bars and colons of the brackets that are open
    for place, token in enumerate(tokens):
        if token in {"(", "["}:
            open.append((place, len(dividers)))
        elif open and token in {"|", ":"}:
            dividers.append(place)
        elif open and token in CLOSERS:
            opener, before = open.pop()
            own = dividers[before:]
            del dividers[before:]
            if tokens[opener] != CLOSERS[token]:
                open.clear()  # a bracket that closes nothing is a flaw in all that are open
                dividers.clear()
            elif own and token == "]" and (found := _judge(tokens, own, place)):
                switches[opener] = found
    return switches


def _judge(tokens: list[str], dividers: list[int], end: int) -> _Found | None:
    colons = tuple(place for place in dividers if tokens[place] == ":")
    if 1 <= len(colons) <= 2 and colons[-1] == end - 2 and (number := NUMBER.fullmatch(tokens[end - 1])):
        return _Found(colons, end, When.read(number[1]))
    bars = tuple(place for place in dividers if tokens[place] == "|")
    return _Found(bars, end, None) if bars else None


def _build(tokens: list[str], switches: dict[int, _Found]) -> Scheduled:
    builder = _Builder()
    separators = {place for found in switches.values() for place in found.separators}
    ends = {found.end for found in switches.values()}
    numbers = {found.end - 1 for found in switches.values() if found.when}
    for place, token in enumerate(tokens):
        if found := switches.get(place):
            builder.open(found)
        elif place in separators:
            builder.divide()
        elif place in ends:
            builder.close()
        elif place not in numbers:
            builder.text.append(token)
    builder.flush()
    items = tuple(item for item in builder.items if item is not None)
    return Scheduled(items, "".join(_written(items)))


@dataclass
class _Builder:
    """Items as they grow; of a switch that is not closed yet, the place and the ends of its options."""

    items: list[str | Switch | None] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    opened: list[tuple[int, list[int], _Found]] = field(default_factory=list)

    def flush(self) -> None:
        if self.text:
            self.items.append("".join(self.text))
            self.text.clear()

    def open(self, found: _Found) -> None:
        self.flush()
        self.opened.append((len(self.items), [len(self.items) + 1], found))
        self.items.append(None)
        if found.when and len(found.separators) == 1:  # [after:when]
            self.divide()

    def divide(self) -> None:
        self.flush()
        self.opened[-1][1].append(len(self.items))

    def close(self) -> None:
        self.flush()
        place, cuts, found = self.opened.pop()
        if not found.when:
            cuts.append(len(self.items))  # where there is a number, a colon before it ended the last option
        options = tuple(pairwise(cuts))
        self.items[place] = Switch(options, len(self.items), found.when)


def _written(items: tuple[str | Switch, ...]) -> Iterator[str]:
    """Canonical text: as typed, numbers in one form, nothing where nothing comes before."""
    marks: dict[int, list[str]] = {}  # what stands before an item
    for place in reversed(range(len(items))):  # inner switches first: their brackets stand closer
        item = items[place]
        if isinstance(item, Switch):
            _mark(marks, item)
    for place, item in enumerate(items):
        yield from marks.get(place, ())
        yield "[" if isinstance(item, Switch) else item
    yield from marks.get(len(items), ())


def _mark(marks: dict[int, list[str]], switch: Switch) -> None:
    if switch.when is None:
        for _, end in switch.options[:-1]:
            marks.setdefault(end, []).append("|")
        marks.setdefault(switch.end, []).append("]")
        return
    start, end = switch.options[0]
    if start < end:
        marks.setdefault(end, []).append(":")
    marks.setdefault(switch.end, []).append(f":{switch.when}]")
