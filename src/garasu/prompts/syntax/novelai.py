"""NovelAI's syntax: ``{more}`` is ×1.05, ``[less]`` is ÷1.05, and ``a:0.7|b:0.3`` mixes conditionings.

NovelAI's own reader is not published, so the rules are our reading of what its users type: the mix divides the text
first, brackets of both shapes are counted apart, an opener without its closer reaches to the end, a closer without its
opener is text, a backslash makes a sign of the syntax text, and parentheses are plain text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from garasu.prompts.prompt import LIMIT, Fixed, Part, Prompt, Section, finite, merged
from garasu.prompts.syntax.numbers import SIGNED, decimal
from garasu.prompts.syntax.weights import mean_weights

STEP = 1.05
DEEPEST = int(math.log(LIMIT, STEP))  # deeper brackets add nothing: 1415
TOKEN = re.compile(r"\\[\\{}\[\]|:]|[\\{}\[\]|]|[^\\{}\[\]|]+")
WEIGHT = re.compile(rf"\s*({SIGNED})\s*")


def parse(text: str) -> Prompt:
    """Any text. The weights of a mix are divided by their sum, unless that is 0; one that is missing is 1."""
    texts = list(_divided(text))
    if len(texts) == 1:
        parts: tuple[Part, ...] = (Part(1.0, Fixed((_read(texts[0]),))),)
    else:
        pairs = [_weighted(part) for part in texts]
        weights = mean_weights([weight for _, weight in pairs])
        parts = tuple(Part(weight, Fixed((_read(words),))) for (words, _), weight in zip(pairs, weights, strict=True))
    return Prompt("novelai", parts, "|".join(_write_part(part, len(parts) > 1) for part in parts), join="mix")


def _divided(text: str) -> Iterator[str]:
    run: list[str] = []
    for token in TOKEN.findall(text):
        if token == "|":
            yield "".join(run)
            run = []
        else:
            run.append(token)
    yield "".join(run)


def _weighted(text: str) -> tuple[str, float]:
    """``a:0.7`` → ("a", 0.7)."""
    words, colon, number = text.rpartition(":")
    escaped = (len(words) - len(words.rstrip("\\"))) % 2
    if colon and not escaped and (found := WEIGHT.fullmatch(number)):
        return words, finite(float(found[1]))
    return text, 1.0


def _read(text: str) -> Section:
    pieces: list[tuple[str, float]] = []
    curly = square = 0
    for token in TOKEN.findall(text.strip()):
        if token in {"{", "["}:
            curly, square = curly + (token == "{"), square + (token == "[")
        elif (token == "}" and curly) or (token == "]" and square):
            curly, square = curly - (token == "}"), square - (token == "]")
        else:
            pieces.append((token[-1] if token[0] == "\\" else token, STEP ** _level(curly - square)))
    return _trimmed(merged(pieces))


def _level(level: int) -> int:
    return max(-DEEPEST, min(DEEPEST, level))


def _trimmed(section: Section) -> Section:
    """Without white space at the ends, which says nothing."""
    pieces = [(fragment.text, fragment.weight) for fragment in section]
    while pieces and not pieces[0][0].strip():
        pieces.pop(0)
    while pieces and not pieces[-1][0].strip():
        pieces.pop()
    if pieces:
        pieces[0] = (pieces[0][0].lstrip(), pieces[0][1])
        pieces[-1] = (pieces[-1][0].rstrip(), pieces[-1][1])
    return merged(pieces)


def _write_part(part: Part, mixed: bool) -> str:
    assert isinstance(part.words, Fixed)
    text = "".join(_write(part.words.said[0]))
    return f"{text}:{decimal(part.weight)}" if mixed else text


def _write(section: Section) -> Iterator[str]:
    """From one level to the next with as few brackets as possible."""
    now = 0
    for text, level in [*((one.text, round(math.log(one.weight, STEP))) for one in section), ("", 0)]:
        kept = max(0, min(now, level)) + min(0, max(now, level))
        yield ("}" if now > 0 else "]") * abs(now - kept)
        yield ("{" if level > 0 else "[") * abs(level - kept)
        yield re.sub(r"[\\{}\[\]|]", r"\\\g<0>", text)
        now = level
