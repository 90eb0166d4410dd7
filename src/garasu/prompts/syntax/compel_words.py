"""The words of compel's syntax: what has a weight, and what is only text.

Parentheses are read without looking back more than once: where one turns out to have no proper end, neither have those
around it, all of them become parts of words, and this is remembered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from garasu.prompts.prompt import Network, Section, finite, merged
from garasu.prompts.syntax.numbers import SIGNED, UNSIGNED

MORE, LESS = 1.1, 0.9
SPACE = r"[ \t\n\r\x0b\x0c]"
SIGNS = r"()\",.+\-="  # each means something, and is text behind a backslash
BLANK = re.compile(f"{SPACE}*")
FREE = re.compile(r"[^ \t\n\r\x0b\x0c]+")
WORD = re.compile(rf"(?:\\[{SIGNS}]|[-+](?![ \t\n\r\x0b\x0c{SIGNS}]|\Z)|[^ \t\n\r\x0b\x0c{SIGNS}])+")
QUOTED = re.compile(r'"((?:\\"|[^"\n\r])*)"')
SIGNED_WEIGHT = re.compile(r"\++|-+")
WEIGHT = re.compile(rf"\++|-+|{UNSIGNED}")
ATTEND = re.compile(rf"{SPACE}*\.attend{SPACE}*\({SPACE}*(\++|-+|{UNSIGNED}){SPACE}*\)")
SWAP = re.compile(rf"{SPACE}*\.swap{SPACE}*\(([^()\"]*)\)")
LORA = re.compile(rf"(?:use|with)Lora{SPACE}*\({SPACE}*([A-Za-z0-9_-]+){SPACE}*(?:,{SPACE}*({SIGNED}){SPACE}*)?\)")
ESCAPED = re.compile(r"(?<!\\)\\++(?=[()\"])")

Event = str | float | None  # a word; the weight of a group that begins; the end of one


@dataclass
class Reader:
    """One pass over a text. ``free`` words may hold any sign; without them the text must be well formed."""

    text: str
    free: bool
    place: int = 0
    events: list[Event] = field(default_factory=list)
    networks: list[Network] = field(default_factory=list)
    open: list[tuple[int, int, int]] = field(default_factory=list)  # places in the text, the events, the networks
    flawed: set[int] = field(default_factory=set)  # parentheses that are no group

    def read(self) -> bool:
        """Reads all of the text; whether it could."""
        while True:
            self.skip()
            if self.place == len(self.text):
                if not self.open:
                    return True
                if not self._give_up():
                    return False
            elif not self._element() and not self._give_up():
                return False

    def member(self) -> bool:
        """Reads one group, quotation or word without a mark, as the members of ``.and()`` are; whether there is one."""
        self.skip()
        if self.text.startswith("(", self.place):
            self._element()
            return self._rest_of_group()
        found = QUOTED.match(self.text, self.place) or WORD.match(self.text, self.place)
        if not found:
            return False
        self.place = found.end()
        if found[0][0] != '"':
            self.events.append(found[0])
            return True
        return self._take(found[1], free=False) or self._take(found[1], free=True)

    def section(self) -> Section:
        """What was read."""
        around = [1.0]
        pieces: list[tuple[str, float]] = []
        for event in self.events:
            if isinstance(event, str):
                pieces.append((ESCAPED.sub("", event), finite(around[-1])))
            elif event is None:
                around.pop()
            else:
                around.append(around[-1] * event)
        return merged(pieces, between=" ")

    def skip(self) -> None:
        """White space."""
        blank = BLANK.match(self.text, self.place)
        assert blank
        self.place = blank.end()

    def _element(self) -> bool:
        """Reads whatever comes next; whether anything may."""
        sign = self.text[self.place]
        if self._network():
            return True
        if sign == "(" and self.place not in self.flawed:
            self.open.append((self.place, len(self.events), len(self.networks)))
            self.events.append(1.0)
            self.place += 1
            return True
        if sign == ")" and self.open:
            self.place += 1
            self.events.append(None)
            self._mark(self.open.pop()[1], WEIGHT)
            return True
        return (sign == '"' and self._quotation()) or self._word()

    def _rest_of_group(self) -> bool:
        while self.open:
            self.skip()
            if self.place == len(self.text) or not self._element():
                return False
        return True

    def _network(self) -> bool:
        found = LORA.match(self.text, self.place)
        if not found:
            return False
        self.networks.append(Network("lora", found[1], (found[2],) if found[2] else ()))
        self.place = found.end()
        return True

    def _quotation(self) -> bool:
        found = QUOTED.match(self.text, self.place)
        if not found:
            return False
        start = len(self.events)
        self.events.append(1.0)
        if not self._take(found[1], free=False):
            del self.events[start:]
            return False
        self.events.append(None)
        self.place = found.end()
        self._mark(start, WEIGHT)
        return True

    def _take(self, quoted: str, free: bool) -> bool:
        """Reads the inside of quotation marks; whether it could."""
        inner = Reader(quoted.replace(r"\"", '"').replace('"', r"\""), free)
        if not inner.read():
            return False
        self.events += inner.events
        self.networks += inner.networks
        return True

    def _word(self) -> bool:
        found = WORD.match(self.text, self.place)
        start = len(self.events)
        if found:
            self.events += [1.0, found[0], None]
            before, self.place = self.place, found.end()
            if self._mark(start, SIGNED_WEIGHT) or self.open or not self.free:
                return True
            del self.events[start:]
            self.place = before
        if self.free and not self.open:
            return self._free_word()
        if self.text[self.place] not in ",.":
            return False
        self.events.append(self.text[self.place])
        self.place += 1
        return True

    def _free_word(self) -> bool:
        found = FREE.match(self.text, self.place)
        assert found
        self.events.append(found[0])
        self.place = found.end()
        return True

    def _mark(self, start: int, weight: re.Pattern[str]) -> bool:
        """Reads what is done with the words since event ``start``; whether there was anything."""
        if found := SWAP.match(self.text, self.place):
            self.events[start:] = found[1].partition(",")[0].split()
        elif found := ATTEND.match(self.text, self.place):
            self.events[start] = _weight(found[1])
        elif found := weight.match(self.text, self.place):
            self.events[start] = _weight(found[0])
        else:
            return False
        self.place = found.end()
        return True

    def _give_up(self) -> bool:
        """Takes the outermost open parenthesis as part of a word; whether this is possible."""
        if not (self.free and self.open):
            return False
        self.flawed |= {place for place, _, _ in self.open}
        self.place, events, networks = self.open[0]
        del self.events[events:], self.networks[networks:]
        self.open.clear()
        return self._free_word()


def _weight(mark: str) -> float:
    if mark[0] in "+-":
        return (MORE if mark[0] == "+" else LESS) ** min(len(mark), 800)  # beyond the limits of ``finite``
    return finite(float(mark))
