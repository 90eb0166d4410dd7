"""The syntax of AUTOMATIC1111's web UI: networks, AND, schedules, emphasis, read in this order, each on what is left.

A schedule is resolved as text before any emphasis is read, so ``(cat:[1.3:0.8:0.5])`` changes a weight.
"""

from __future__ import annotations

import re

from garasu.prompts.prompt import Fixed, Part, Prompt, Words, finite
from garasu.prompts.syntax.brackets import read_emphasis, write_emphasis
from garasu.prompts.syntax.networks import take_networks, write_network
from garasu.prompts.syntax.numbers import SIGNED, decimal
from garasu.prompts.syntax.schedule import Scheduled, read_schedule

AND = re.compile(r"\bAND\b")
WEIGHT = re.compile(rf":\s*({SIGNED})\s*")


def parse(text: str, composes: bool = True) -> Prompt:
    """Any text; ``composes=False``, as for a negative prompt, reads AND and the weight of a part as words."""
    text, networks = take_networks(text)
    if not composes:
        text = _words_only(text)
    parts = tuple(_read_part(part.strip()) for part in AND.split(text))
    canonical = " ".join([" AND ".join(map(_write_part, parts)), *map(write_network, networks)])
    return Prompt("a1111", parts, canonical, networks)


def _read_part(text: str) -> Part:
    weight = 1.0
    colon = _weight_colon(text)
    if colon >= 0:
        text, weight = text[:colon].rstrip(), finite(float(text[colon + 1 :]))
    return Part(weight, read_schedule(text) or Fixed(read_emphasis(text)))


def _write_part(part: Part) -> str:
    text = _write_words(part.words)
    return f"{text} :{decimal(part.weight)}" if part.weight != 1 or _weight_colon(text) >= 0 else text


def _write_words(words: Words) -> str:
    if isinstance(words, Scheduled):
        return words.text
    assert isinstance(words, Fixed)
    return _words_only(write_emphasis(words.said))


def _words_only(text: str) -> str:
    """The text with a backslash, which means nothing, in whatever would read as AND or as a weight."""
    text = AND.sub(r"A\\ND", text)
    after = _weight_colon(text) + 1
    return f"{text[:after]}\\{text[after:]}" if after else text


def _weight_colon(text: str) -> int:
    """Where the colon of a weight at the end of the text is; -1 if there is none."""
    place = text.rfind(":")
    return place if place >= 0 and WEIGHT.fullmatch(text, place) else -1
