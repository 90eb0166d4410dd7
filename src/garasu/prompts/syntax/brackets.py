"""A1111's emphasis: ``(more)``, ``[less]``, ``(as much:1.3)``, ``BREAK``; and back to text.

Round and square brackets do not see each other, so they may cross. A weight is the product of the brackets around a
piece of text in the order in which they close, those that never do last. For the innermost ``EXACT`` brackets this is
A1111's arithmetic to the last bit; what lies further out is multiplied in beforehand, so that deep nesting takes no
time, and is scaled, so that its overflow is no different from a large number.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from garasu.prompts.prompt import Fragment, Section, finite, merged
from garasu.prompts.syntax.numbers import SIGNED, decimal

EXACT = 16
SHAPES = {"(": 0, "[": 1}
FACTORS = (1.1, 1 / 1.1)
TOKEN = re.compile(rf"\\[\\()\[\]]?|[()\[\]]|:\s*({SIGNED})\s*\)|[^\\()\[\]:]+|:")
SIGN = re.compile(r"[\\()\[\]:]|BREAK")
BREAK = re.compile(r"\bBREAK\b")
RESERVED = re.compile(r"\b(?:A(?=ND\b)|B(?=REAK\b))|<(?=(?:lora|hypernet):)")


@dataclass(slots=True, eq=False)
class Bracket:
    """One that opens; ``rank`` orders the closings."""

    shape: int  # 0 round, 1 square
    factor: float
    rank: int


class Nest:
    """The brackets of one shape that are open, outermost first, with the products from the outside in.

    A product is kept as a mantissa and a power of two, which do not overflow.
    """

    def __init__(self) -> None:
        self.brackets: list[Bracket] = []
        self.factors: list[float] = []
        self.products: list[tuple[float, int]] = [(1.0, 0)]

    def passes(self, bracket: Bracket) -> None:
        """A bracket closes if it is the innermost one, and opens otherwise."""
        if self.brackets and self.brackets[-1] is bracket:
            del self.brackets[-1], self.factors[-1], self.products[-1]
            return
        mantissa, power = self.products[-1]
        mantissa, more = math.frexp(mantissa * bracket.factor)
        self.brackets.append(bracket)
        self.factors.append(bracket.factor)
        self.products.append((mantissa, power + more))


Event = str | Bracket | None  # a piece of text, a bracket that opens or closes, a BREAK


def read_emphasis(text: str) -> tuple[Section, ...]:
    """The sections between BREAKs, with weights; any text has some."""
    if not SIGN.search(text):
        return (merged([(text, 1.0)]),)
    sections: list[list[tuple[str, float]]] = [[]]
    nests = (Nest(), Nest())
    for event in _scan(text):
        if isinstance(event, Bracket):
            nests[event.shape].passes(event)
            continue
        weight = _weight(*nests)
        if event is not None:
            sections[-1].append((event, weight))
        elif weight == 1:
            sections.append([])
        else:  # A1111 marks a BREAK by the weight -1, and in brackets the mark is lost
            sections[-1].append(("BREAK", -weight))
    return tuple(merged(section) for section in sections)


def write_emphasis(sections: tuple[Section, ...]) -> str:
    """Text that reads as these sections, wherever it stands in a prompt."""
    return " BREAK ".join(_write_section(section) for section in sections)


def _scan(text: str) -> list[Event]:
    events: list[Event] = []
    open: tuple[list[Bracket], list[Bracket]] = ([], [])
    never = 2 * len(text)  # closes after all that close: round before square, inner before outer
    for rank, token in enumerate(TOKEN.finditer(text)):
        sign, weight = token[0], token[1]
        if sign in SHAPES:
            shape = SHAPES[sign]
            bracket = Bracket(shape, FACTORS[shape], (1 + shape) * never - rank)
            open[shape].append(bracket)
            events.append(bracket)
        elif open[0] and (sign == ")" or weight is not None):
            events.append(_closed(open[0].pop(), rank, weight))
        elif open[1] and sign == "]":
            events.append(_closed(open[1].pop(), rank, None))
        elif sign[0] == "\\":
            events.append(sign[1:])
        else:
            events.extend(_broken(sign))
    return events


def _closed(bracket: Bracket, rank: int, weight: str | None) -> Bracket:
    bracket.rank = rank
    if weight is not None:
        bracket.factor = finite(float(weight))
    return bracket


def _broken(text: str) -> list[str | None]:
    """Text between its BREAKs, which eat the white space around them."""
    if "BREAK" not in text:
        return [text]
    parts = BREAK.split(text)
    pieces: list[str | None] = []
    for number, part in enumerate(parts):
        if number:
            pieces.append(None)
        kept = part.lstrip() if number else part
        pieces.append(kept.rstrip() if number < len(parts) - 1 else kept)
    return pieces


def _weight(a: Nest, b: Nest) -> float:
    """The product of all open brackets, in the order of closing."""
    i, j = len(a.factors), len(b.factors)
    if not (i and j):
        factors = a.factors or b.factors
        weight = math.prod(reversed(factors[-EXACT:]), start=1.0)
        i, j = max(0, i - EXACT), max(0, j - EXACT)
    else:
        weight, i, j = _merged_product(a, b)
    if i or j:
        weight = _scaled(weight, a.products[i], b.products[j])
    return finite(weight)


def _merged_product(a: Nest, b: Nest) -> tuple[float, int, int]:
    """The product of the ``EXACT`` brackets that close first, and how many of each shape are left."""
    inner_a, inner_b = a.brackets[-EXACT:], b.brackets[-EXACT:]
    weight = 1.0
    for _ in range(min(EXACT, len(inner_a) + len(inner_b))):
        if not inner_b or (inner_a and inner_a[-1].rank < inner_b[-1].rank):
            weight *= inner_a.pop().factor
        else:
            weight *= inner_b.pop().factor
    outer = (max(0, len(nest.brackets) - EXACT) for nest in (a, b))
    return weight, next(outer) + len(inner_a), next(outer) + len(inner_b)


def _scaled(weight: float, a: tuple[float, int], b: tuple[float, int]) -> float:
    mantissa, power = math.frexp(weight * a[0] * b[0])
    power += a[1] + b[1]
    return math.ldexp(mantissa, max(-1000, min(1000, power)))  # 2**±1000 is beyond the limits of ``finite``


def _write_section(section: Section) -> str:
    text = "".join(_write_fragment(fragment) for fragment in section)
    before = "\\" if text[:1].isspace() else ""  # a lone backslash is nothing, and keeps the space from being eaten
    return before + text + ("\\" if text[-1:].isspace() else "")


def _write_fragment(fragment: Fragment) -> str:
    text = re.sub(r"[\\()\[\]]", r"\\\g<0>", fragment.text)
    text = RESERVED.sub(r"\g<0>\\", text)  # a lone backslash is nothing, and what it parts is no longer a sign
    return text if fragment.weight == 1 else f"({text}:{decimal(fragment.weight)})"
