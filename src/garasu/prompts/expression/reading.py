"""Text to tree, by recursive descent; the grammar is in `nodes`."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from garasu.prompts.exchange import occurrences
from garasu.prompts.expression.errors import ExpressionError
from garasu.prompts.expression.kinds import FUNCTIONS, KindError, kind_of
from garasu.prompts.expression.nodes import (
    WORD,
    Call,
    Change,
    Node,
    Number,
    Product,
    Sum,
    Text,
    Variable,
    negated,
)

DEEPEST = 50  # brackets and signs within one another
TOKEN = re.compile(
    rf"""\s*(?:
    (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<string>"(?:[^"\\]|\\.)*")
  | (?P<word>{WORD})
  | (?P<sign>->|=>|\+=|-=|\*=|[-+*/(){{}},#])
  | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
MARKED = re.compile(r"\*([^*]+)\*")
ARROWS = ("->", "=>", "+=", "-=", "*=")


class Token(NamedTuple):
    """A piece of the text; ``kind`` is number, string, word, sign or end."""

    kind: str
    text: str
    column: int


def read(text: str) -> Node:
    """The tree of an expression that is a conditioning.

    Raises:
        ExpressionError: it is none, or combines what cannot be combined.
    """
    tree = Reader(text).whole()
    try:
        kind = kind_of(tree)
    except KindError as error:
        raise ExpressionError(str(error), text, error.node.column) from error
    if kind == "number":
        raise ExpressionError("this is a number and no prompt: a number as a prompt stands in quotes", text, 1)
    return tree


class Reader:
    """Where reading has come to."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._split()
        self.place = 0
        self.depth = 0
        self.inside = False  # a change

    @property
    def next(self) -> Token:
        """The token to be read."""
        return self.tokens[self.place]

    def whole(self) -> Node:
        """The expression, and nothing after it."""
        tree = self.expression()
        if self.next.kind != "end":
            raise self._unexpected()
        return tree

    def expression(self) -> Node:
        """Terms with + and - between them."""
        signs, terms = ["+"], [self._term()]
        while self._at("+", "-"):
            signs.append(self._take().text)
            terms.append(self._term())
        return terms[0] if len(terms) == 1 else Sum(terms[0].column, tuple(signs), tuple(terms))

    def _term(self) -> Node:
        signs, factors = ["*"], [self._factor()]
        while self._at("*", "/"):
            signs.append(self._take().text)
            factors.append(self._factor())
        return factors[0] if len(factors) == 1 else Product(factors[0].column, tuple(signs), tuple(factors))

    def _factor(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._error(f"more than {DEEPEST} brackets or signs are within one another: take some out")
        node = self._atom()
        self.depth -= 1
        return node

    def _atom(self) -> Node:
        token = self.next
        if self._at("-"):
            self._take()
            return negated(self._factor(), token.column)
        if self._at("("):
            self._take()
            inner = self.expression()
            self._expect(")", "a bracket is not closed: add )")
            return inner
        if token.kind == "number":
            return self._number()
        if token.kind in ("word", "string"):
            return self._call_or_prompt()
        raise self._unexpected()

    def _number(self) -> Number:
        token = self._take()
        if self.next.kind in ("word", "string"):
            raise self._error(f"a number stands beside a prompt: write {token.text}*…, or all of the prompt in quotes")
        value = float(token.text)
        if not math.isfinite(value):
            raise ExpressionError("this number is too large", self.text, token.column)
        return Number(token.column, value)

    def _call_or_prompt(self) -> Node:
        token = self.next
        text = self._words()
        if self._at("("):
            return self._call(token, text)
        if token.kind == "word" and re.fullmatch("[a-z]", text) and not self._at("{"):
            return Variable(token.column, text)
        return self._changed(token.column, text) if self._at("{") else Text(token.column, text)

    def _words(self) -> str:
        """A string, or words side by side."""
        if self.next.kind == "string":
            text = re.sub(r'\\(["\\])', r"\1", self._take().text[1:-1])
        else:
            words = [self._take().text]
            while self.next.kind == "word":
                words.append(self._take().text)
            text = " ".join(words)
        if self.next.kind in ("word", "string", "number"):
            raise self._error("two prompts stand side by side: put + between them, or both into one pair of quotes")
        return text

    def _call(self, token: Token, name: str) -> Node:
        if token.kind == "string" or name not in FUNCTIONS:
            known = ", ".join(FUNCTIONS)
            raise ExpressionError(
                f"{name!r} is no function; there are {known}. A prompt with brackets stands in quotes",
                self.text,
                token.column,
            )
        self._take()
        arguments = [self.expression()]
        while self._at(","):
            self._take()
            arguments.append(self.expression())
        self._expect(")", f"{name}( is not closed: add )")
        return Call(token.column, name, tuple(arguments))

    def _changed(self, column: int, text: str) -> Node:
        if self.inside:
            raise self._error("a word's change has a change of its own: change the words of the sentence only")
        self.inside, plain = True, text
        changes: list[Change] = []
        while self._at("," if changes else "{"):
            self._take()
            plain, change = self._change(plain, column)
            changes.append(change)
        self.inside = False
        self._expect("}", "the changes are not closed: add }, or a comma before the next")
        if self._at("{"):
            raise self._error("further changes stand within the same { }, after a comma")
        return Text(column, plain, tuple(changes))

    def _change(self, sentence: str, column: int) -> tuple[str, Change]:
        """One change, and the sentence without the stars that may have marked its word."""
        token, nth = self.next, None
        if token.kind in ("word", "string"):
            word = self._words()
            nth = self._nth() if self._at("#") else None
        else:
            sentence, word, nth = self._marked(sentence)
        arrow = self.next
        if not self._at(*ARROWS):
            raise self._error(f"how does the word change? Write one of {' '.join(ARROWS)}")
        self._take()
        value, own = self.expression(), Text(token.column, word)
        if arrow.text in ("+=", "-="):
            value = Sum(token.column, ("+", arrow.text[0]), (own, value))
        elif arrow.text == "*=":
            value = Product(token.column, ("*", "*"), (own, value))
        return sentence, Change(token.column, word, nth, arrow.text == "=>", value)

    def _nth(self) -> int:
        self._take()
        token = self.next
        if not token.text.isdecimal() or int(token.text) < 1:
            raise self._error("after # stands which of several equal words is meant: 1, 2, …")
        return int(self._take().text)

    def _marked(self, sentence: str) -> tuple[str, str, int | None]:
        """The sentence without stars, the word between them, and which of several it is."""
        marks = list(MARKED.finditer(sentence))
        if len(marks) != 1:
            raise self._error('which word changes? Name it, {cat -> …}, or mark it in the sentence, "a *cat*"')
        [mark] = marks
        plain = sentence[: mark.start()] + mark[1] + sentence[mark.end() :]
        spans = list(occurrences(plain, mark[1]))
        span = (mark.start(), mark.start() + len(mark[1]))
        if span not in spans:
            raise self._error(f"{mark[1]!r} is no whole word of the sentence: mark all of it")
        return plain, mark[1], spans.index(span) + 1 if len(spans) > 1 else None

    def _split(self) -> list[Token]:
        tokens: list[Token] = []
        place = 0
        while not tokens or tokens[-1].kind != "end":
            match = TOKEN.match(self.text, place)
            if match is None:
                raise self._unreadable(place)
            kind = str(match.lastgroup)
            tokens.append(Token(kind, match[kind], match.start(kind) + 1))
            place = match.end()
        return tokens

    def _unreadable(self, place: int) -> ExpressionError:
        place += len(self.text[place:]) - len(self.text[place:].lstrip())
        sign = self.text[place]
        problem = "the quotes are not closed" if sign == '"' else f"{sign!r} has no meaning here: put it in quotes"
        return ExpressionError(problem, self.text, place + 1)

    def _at(self, *signs: str) -> bool:
        return self.next.kind == "sign" and self.next.text in signs

    def _take(self) -> Token:
        self.place += 1
        return self.tokens[self.place - 1]

    def _expect(self, sign: str, problem: str) -> None:
        if not self._at(sign):
            raise self._error(problem)
        self._take()

    def _error(self, problem: str) -> ExpressionError:
        return ExpressionError(problem, self.text, self.next.column)

    def _unexpected(self) -> ExpressionError:
        if self.next.kind == "end":
            return self._error("something is missing at the end: a prompt, a number or (")
        if self.next.text == ",":
            return self._error("a comma separates arguments only: a prompt with commas stands in quotes")
        return self._error(f"{self.next.text!r} cannot stand here: a prompt that holds it stands in quotes")
