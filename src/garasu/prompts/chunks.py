"""A prompt of any length as chunks that the text encoder can read: 77 tokens each, start and end included.

Where the text is longer than a chunk, a rule says where the chunk ends: at a comma that is near (A1111), or between
words (ComfyUI). A rule is a function, so that one can wrap another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from garasu.prompts.prompt import Fragment, PromptError, Section
from garasu.prompts.tokenizer import Tokenizer
from garasu.prompts.vocabulary import CONTEXT_LENGTH

COMMA = ",</w>"
LONG_WORD = 8  # tokens of a word that ComfyUI may cut
LARGEST_WEIGHT = 100.0  # pictures fall apart long before

Kind = Literal["bos", "text", "eos", "pad"]


@dataclass(frozen=True)
class Token:
    """What stands at one place of a chunk, and where in the prompt it comes from."""

    id: int
    piece: str  # its vocabulary entry: "cat</w>"
    kind: Kind = "text"
    weight: float = 1.0
    fragment: int = -1  # which of RowTokens.fragments it is of; -1 for what no text gave
    span: tuple[int, int] = (0, 0)  # the characters of that fragment's text
    word: int = -1  # the number of its word in the fragment
    apart: bool = False  # a fragment's first, or after white space


Split = Callable[[Sequence[Token], int, int], int]
"""(a section's tokens, where the chunk starts, how many it has room for) → where it ends, if they are more than that:
after ``start``, at most ``start + room``."""


def by_commas(tokens: Sequence[Token], start: int, room: int, backtrack: int = 20) -> int:
    """A1111's rule: a chunk that is full ends after its last comma, if that is at most ``backtrack`` tokens back.

    It ends where it is full if the next token is a comma. ``partial(by_commas, backtrack=0)`` never goes back.
    """
    full = start + room
    if tokens[full].piece == COMMA:
        return full
    near = range(full - 1, max(start, full - backtrack) - 1, -1)
    return next((place + 1 for place in near if tokens[place].piece == COMMA), full)


def by_words(tokens: Sequence[Token], start: int, room: int) -> int:
    """ComfyUI's rule: no word is cut, unless it has 8 or more tokens. A word is what stands between spaces."""
    full = start + room
    first = next((place for place in range(full, start, -1) if tokens[place].apart), start)
    reach = tokens[first + 1 : first + LONG_WORD]
    long = len(reach) == LONG_WORD - 1 and not any(token.apart for token in reach)
    return full if first == start or long else first


@dataclass(frozen=True)
class RowTokens:
    """One row of a conditioning, place by place: what the text encoder reads there and what it stands for."""

    tokens: tuple[Token, ...]  # T of them, all chunks in a row
    fragments: tuple[Fragment, ...]  # the text of the prompt, all sections in a row
    moved: tuple[int, ...]  # for each chunk, how many of its first tokens the one before had room for
    cut: str  # the end of the text that did not fit, as written; "" when all of it fits
    lost: int  # how many tokens that is
    tokenizer: Tokenizer = field(repr=False, compare=False)

    @property
    def ids(self) -> tuple[int, ...]:
        """T token ids."""
        return tuple(token.id for token in self.tokens)

    @property
    def pieces(self) -> tuple[str, ...]:
        """T vocabulary entries."""
        return tuple(token.piece for token in self.tokens)

    @property
    def weights(self) -> tuple[float, ...]:
        """T weights; 1 where no text stands."""
        return tuple(token.weight for token in self.tokens)

    @property
    def chunks(self) -> tuple[tuple[Token, ...], ...]:
        """The tokens, chunk by chunk."""
        length = len(self.tokens) // len(self.moved)
        return tuple(self.tokens[start : start + length] for start in range(0, len(self.tokens), length))

    def text(self, place: int) -> str:
        """The characters of the prompt that a place stands for, as written; "" for start, end and padding."""
        token = self.tokens[place]
        return self.fragments[token.fragment].text[slice(*token.span)] if token.kind == "text" else ""

    def places(self, word: str) -> tuple[tuple[int, ...], ...]:
        """Where a word (or several) stands, 0…T-1, for each time it does; whole words only, in any case.

        Raises:
            TokenizerError: a word that is broken UTF-8.
        """
        wanted = self.tokenizer.tokens(word).ids
        text = [place for place, token in enumerate(self.tokens) if token.kind == "text"]
        found: list[tuple[int, ...]] = []
        first = 0
        while wanted and first + len(wanted) <= len(text):
            here = text[first : first + len(wanted)]
            whole = self._begins(text, first) and self._begins(text, first + len(wanted))
            same = whole and tuple(self.tokens[place].id for place in here) == wanted
            if same:
                found.append(tuple(here))
            first += len(wanted) if same else 1
        return tuple(found)

    def padded(self, count: int) -> RowTokens:
        """The same, with the empty prompt's chunk behind it until there are ``count`` chunks."""
        more = count - len(self.moved)
        empty = tuple(_framed(self.tokenizer, (), len(self.tokens) // len(self.moved)))
        return replace(self, tokens=self.tokens + empty * more, moved=self.moved + (0,) * more)

    def _begins(self, text: Sequence[int], index: int) -> bool:
        """Whether a word begins at the index-th place of text, or the text has ended."""
        if index in (0, len(text)):
            return True
        before, token = self.tokens[text[index - 1]], self.tokens[text[index]]
        return (before.fragment, before.word) != (token.fragment, token.word)


def fit(
    tokenizer: Tokenizer,
    sections: Sequence[Section],
    length: int = CONTEXT_LENGTH,
    *,
    split: Split = by_commas,
    max_chunks: int | None = None,
) -> RowTokens:
    """Sections of weighted text as chunks of ``length`` ids: start, text, end, padding.

    Each fragment is cut into tokens by itself. Every section begins a chunk; one without text is a chunk of padding,
    unless it is the last of several.

    Args:
        tokenizer: gives the ids, and what fills the rest of a chunk.
        sections: what stands between two BREAKs; none is the empty prompt.
        split: where a chunk ends whose text goes on. The last chunk allowed is filled in any case.
        max_chunks: how many chunks there may be; what does not fit is cut. ``None`` cuts nothing.

    Raises:
        PromptError: a weight that is no number or beyond ±100; ``max_chunks`` below 1.
        TokenizerError: text that is broken UTF-8.
        ValueError: ``length`` leaves no room for text.
    """
    if length < 3:
        raise ValueError(f"{length} ids cannot hold start, text and end; ask for 3 or more.")
    if max_chunks is not None and max_chunks < 1:
        raise PromptError(f"max_chunks {max_chunks} leaves no room for a prompt: take 1 or more, or none for no limit")
    fragments = tuple(fragment for section in sections for fragment in section)
    texts = _texts(tokenizer, sections)
    chunks, moved, lost = _chunks(texts, length - 2, split, max_chunks)
    tokens = tuple(token for chunk in chunks for token in _framed(tokenizer, chunk, length))
    cut = _cut(sections, lost[0]) if lost else ""
    return RowTokens(tokens, fragments, tuple(moved), cut, len(lost), tokenizer)


def _texts(tokenizer: Tokenizer, sections: Sequence[Section]) -> list[list[Token]]:
    """The tokens of each section; the last one that has none is left out."""
    texts: list[list[Token]] = []
    number = 0
    for section in sections:
        texts.append([])
        for fragment in section:
            texts[-1].extend(_tokens(tokenizer, fragment, number))
            number += 1
    if len(texts) > 1 and not texts[-1]:
        texts.pop()
    return texts or [[]]


def _tokens(tokenizer: Tokenizer, fragment: Fragment, number: int) -> Iterator[Token]:
    weight = fragment.weight
    if not math.isfinite(weight) or abs(weight) > LARGEST_WEIGHT:
        raise PromptError(
            f"the weight {weight:g} of {fragment.text[:40]!r} is not within ±{LARGEST_WEIGHT:g}: "
            "weights of 0.5 to 1.5 are usual"
        )
    read, end = tokenizer.tokens(fragment.text), 0
    for index, span in enumerate(read.spans):
        apart = index == 0 or any(character.isspace() for character in fragment.text[end : span[0]])
        yield Token(read.ids[index], read.pieces[index], "text", weight, number, span, read.words[index], apart)
        end = span[1]


def _chunks(
    texts: Sequence[Sequence[Token]], room: int, split: Split, most: int | None
) -> tuple[list[Sequence[Token]], list[int], list[Token]]:
    """The text of each chunk; how many tokens were moved to it; the tokens for which there was none."""
    chunks: list[Sequence[Token]] = []
    moved: list[int] = []
    lost: list[Token] = []
    for tokens in texts:
        start = late = 0
        while start < len(tokens) or not start:
            if len(chunks) == most:
                lost.extend(tokens[start:])
                break
            full = start + room
            end = split(tokens, start, room) if full < len(tokens) and len(chunks) + 1 != most else full
            chunks.append(tokens[start:end])
            moved.append(late)
            start, late = end, full - end
    return chunks, moved, lost


def _framed(tokenizer: Tokenizer, text: Sequence[Token], length: int) -> Iterator[Token]:
    special = tokenizer.special
    yield Token(tokenizer.bos_id, special.bos.content, "bos")
    yield from text
    yield Token(tokenizer.eos_id, special.eos.content, "eos")
    yield from [Token(tokenizer.pad_id, special.pad.content, "pad")] * (length - 2 - len(text))


def _cut(sections: Sequence[Section], first: Token) -> str:
    """The text from a token to the end, as written but for its weights."""
    written: list[str] = []
    number = 0
    for section in sections:
        texts = []
        for fragment in section:
            if number >= first.fragment:
                texts.append(fragment.text[first.span[0] :] if number == first.fragment else fragment.text)
            number += 1
        if number > first.fragment:
            written.append("".join(texts))
    return " BREAK ".join(written)
