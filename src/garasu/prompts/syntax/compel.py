"""compel's syntax: ``word++``, ``word-``, ``(several words)1.3``, ``("a b", "c").and()`` and ``.blend(0.7, 0.3)``.

Words come out with one space between them, as compel joins them. The marks are read where compel reads them: behind
a word without syntax in it, behind parentheses and behind quotation marks; a parenthesis or a quotation mark that leads
to no proper end is part of its word. ``.and()`` makes sections, which are encoded apart; a weight it gives to one
multiplies all weights inside. ``.blend()`` mixes. ``.swap(other)`` is about attention maps and not about words: the
words of ``other`` are taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from garasu.prompts.prompt import Fixed, Network, Part, Prompt, Section, finite, merged
from garasu.prompts.syntax.compel_words import Reader
from garasu.prompts.syntax.numbers import SIGNED, decimal
from garasu.prompts.syntax.weights import mean_weights

COMMA = re.compile(r",(?=[^ \t\n\r\x0b\x0c])")
OPERATOR = re.compile(r"\s*\.(and|add|blend)\s*\(([^()]*)\)")
OPTION = re.compile(rf"\s*(?:({SIGNED})|(no_normalize))\s*")


@dataclass(frozen=True)
class Read:
    """What a text says."""

    parts: tuple[Part, ...]
    networks: tuple[Network, ...]
    join: Literal["compose", "mix"] = "compose"


def parse(text: str) -> Prompt:
    """Any text. It is its own canonical form where what it says cannot be written in another way."""
    read = _read(text)
    canonical = _write(read)
    if _read(canonical) != read:
        canonical = text
    return Prompt("compel", read.parts, canonical, read.networks, read.join)


def _read(text: str) -> Read:
    text = COMMA.sub(", ", text)  # as compel does, whatever stands around it
    return _read_joined(text) or _read_alone(text)


def _read_alone(text: str) -> Read:
    reader = Reader(text, free=True)
    reader.read()
    return Read((Part(1.0, Fixed((reader.section(),))),), tuple(reader.networks))


def _read_joined(text: str) -> Read | None:
    """``("a", "b").and()`` or ``.blend()`` with nothing behind it but networks."""
    members = _read_members(text)
    found = OPERATOR.match(text, members[-1].place) if members else None
    options = _read_options(found[2]) if found else None
    if not found or options is None:
        return None
    rest = Reader(text, free=True, place=found.end())
    rest.read()
    if rest.events:
        return None
    networks = tuple(network for reader in (*members, rest) for network in reader.networks)
    sections = [reader.section() for reader in members]
    given, normalise = options
    weights = [*given[: len(sections)], *[1.0] * (len(sections) - len(given))]
    if found[1] == "blend":
        weights = mean_weights(weights) if normalise else weights
        parts = tuple(Part(weight, Fixed((said,))) for weight, said in zip(weights, sections, strict=True))
        return Read(parts, networks, "mix")
    scaled = tuple(_scaled(said, weight) for said, weight in zip(sections, weights, strict=True))
    return Read((Part(1.0, Fixed(scaled)),), networks)


def _read_members(text: str) -> list[Reader]:
    """What stands in the parentheses before an operator, the last one's place behind them; none if that is not so."""
    place = len(text) - len(text.lstrip())
    members: list[Reader] = []
    while text.startswith("," if members else "(", place):
        member = Reader(text, free=False, place=place + 1)
        if not member.member():
            return []
        member.skip()
        members.append(member)
        place = member.place
    if not text.startswith(")", place) or not members:
        return []
    members[-1].place += 1
    return members


def _read_options(text: str) -> tuple[list[float], bool] | None:
    """The weights, and whether they are to be normalised; None for anything else."""
    options = [OPTION.fullmatch(option) for option in text.split(",")] if text.strip() else []
    found = [option for option in options if option]
    if len(found) < len(options) or any(option[2] for option in found[:-1]):
        return None
    weights = [finite(float(option[1])) for option in found if option[1]]
    return weights, len(weights) == len(found)


def _scaled(section: Section, weight: float) -> Section:
    return merged(((one.text, finite(one.weight * weight)) for one in section), between=" ")


def _write(read: Read) -> str:
    networks = [f"withLora({', '.join((network.name, *network.arguments))})" for network in read.networks]
    members = [_write_section(said) for part in read.parts for said in part.words.sections(None)]
    if len(members) == 1 and read.join == "compose":
        return " ".join([*filter(None, members), *networks])
    weights = [decimal(part.weight) for part in read.parts] if read.join == "mix" else []
    if read.join == "mix" and mean_weights([part.weight for part in read.parts]) != [p.weight for p in read.parts]:
        weights.append("no_normalize")
    quoted = ", ".join(f'"{member}"' for member in members)
    operator = "blend" if read.join == "mix" else "and"
    return " ".join([f"({quoted}).{operator}({', '.join(weights)})", *networks])


def _write_section(section: Section) -> str:
    return " ".join(_write_fragment(fragment.text, fragment.weight) for fragment in section)


def _write_fragment(text: str, weight: float) -> str:
    text = re.sub(r'[()"]', r"\\\g<0>", text)
    if weight == 1:
        return text
    return f"({text}{' ' * text.endswith(chr(92))}){decimal(weight)}"
