"""The text that AUTOMATIC1111's web UI ("A1111") writes into pictures, and that many tools read.

    a black cat, on a bench
    Negative prompt: dog
    Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, Model hash: abcdef1234, Model: sd15

The second line is left out when there is no negative prompt. Values that hold a comma, a colon or a
line break stand in JSON quotes.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# A1111's own: a key, a colon, and either a quoted value or everything up to the next comma.
_PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
_NEGATIVE = "Negative prompt:"
_FEWEST_PAIRS = 3  # a last line with fewer is part of the prompt


@dataclass(frozen=True)
class Infotext:
    """What the text says; `fields` keep A1111's names ("CFG scale") and are strings, as in the file."""

    prompt: str
    negative_prompt: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


def write_infotext(info: Infotext) -> str:
    """The text; fields are written in the order given."""
    lines = [info.prompt]
    if info.negative_prompt:
        lines.append(f"{_NEGATIVE} {info.negative_prompt}")
    lines.append(", ".join(f"{key}: {_quote(value)}" for key, value in info.fields.items()))
    return "\n".join(lines)


def read_infotext(text: str) -> Infotext:
    """Take the text apart again. Prompts may have several lines; a text without fields is all prompt."""
    *lines, last = text.strip().split("\n")
    pairs = _PAIR.findall(last)
    if len(pairs) < _FEWEST_PAIRS:
        lines, pairs = [*lines, last], []
    prompt, negative = _split_prompts(lines)
    return Infotext(prompt, negative, {key: _unquote(value) for key, value in pairs})


def _split_prompts(lines: list[str]) -> tuple[str, str]:
    for index, line in enumerate(lines):
        if line.strip().startswith(_NEGATIVE):
            first = line.strip().removeprefix(_NEGATIVE)
            return "\n".join(lines[:index]).strip(), "\n".join([first, *lines[index + 1 :]]).strip()
    return "\n".join(lines).strip(), ""


def _quote(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if any(mark in value for mark in ",\n:") else value


def _unquote(value: str) -> str:
    if not (len(value) > 1 and value.startswith('"') and value.endswith('"')):
        return value.strip()
    try:
        return str(json.loads(value))
    except json.JSONDecodeError:  # other tools write quotes that are not JSON: keep what stands there
        return value
