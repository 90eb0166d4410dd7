"""ComfyUI's syntax: ``(x:1.3)`` sets the weight of x whatever stands around it, ``(x)`` multiplies by 1.1.

There are no other signs: no square brackets, no schedules, no BREAK. Parentheses that do not match are text, and so are
``\\(`` and ``\\)``; every other backslash is one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from garasu.prompts.prompt import Fixed, Fragment, Part, Prompt, Section, finite, merged
from garasu.prompts.syntax.numbers import SIGNED, decimal

MORE = 1.1
TOKEN = re.compile(r"\\[()]|[()]|[^\\()]+|\\")
WEIGHT = re.compile(rf"\s*({SIGNED}(?:[eE][-+]?[0-9]+)?)\s*")


def parse(text: str) -> Prompt:
    """Any text."""
    tokens = TOKEN.findall(text)
    pairs = _pairs(tokens)
    weights = {opener: _take_weight(tokens, opener, closer) for opener, closer in pairs.items()}
    closers = set(pairs.values())
    pieces: list[tuple[str, float]] = []
    around = [1.0]  # the weights of the parentheses that are open
    for place, token in enumerate(tokens):
        if place in pairs:
            weight = weights[place]
            around.append(finite(around[-1] * MORE) if weight is None else weight)
        elif place in closers:
            around.pop()
        else:
            pieces.append((token[-1] if token in {"\\(", "\\)"} else token, around[-1]))
    section = merged(pieces)
    return Prompt("comfy", (Part(1.0, Fixed((section,))),), _write(section))


def _pairs(tokens: Sequence[str]) -> dict[int, int]:
    """Opener → closer, for those that match."""
    pairs: dict[int, int] = {}
    open: list[int] = []
    for place, token in enumerate(tokens):
        if token == "(":
            open.append(place)
        elif token == ")" and open:
            pairs[open.pop()] = place
    return pairs


def _take_weight(tokens: list[str], opener: int, closer: int) -> float | None:
    """The weight at the end of what parentheses hold, cut from their last token; something must stand before it."""
    words, colon, number = tokens[closer - 1].rpartition(":")
    found = WEIGHT.fullmatch(number)
    if not colon or not found or (not words and closer - 1 == opener + 1):
        return None
    tokens[closer - 1] = words
    return finite(float(found[1]))


def _write(section: Section) -> str:
    last = len(section) - 1
    return "".join(_write_fragment(fragment, place == last) for place, fragment in enumerate(section))


def _write_fragment(fragment: Fragment, last: bool) -> str:
    text = re.sub(r"[()]", r"\\\g<0>", fragment.text)
    if fragment.weight == 1 and (last or not text.endswith("\\")):  # which would escape the next parenthesis
        return text
    return f"({text}:{decimal(fragment.weight)})"
