"""One word inside a sentence: other rows where it stands, and everything else as it was.

The rows of `kitten` in "a drawing of a cat" are those it has in "a drawing of a kitten", the sentence with the word
exchanged. The text encoder is causal, so the rows before the word are the same in both sentences; those after it have
seen the word, and only they differ. By itself a change moves the word's own rows and no others, which is enough for
what has a place of its own in the picture. With `ends` the rows of end of text and padding are moved too: they hold
what the sentence says as a whole, its background above all.

A word of more or fewer tokens makes room for itself: the rows behind it move up, and padding at the end of the chunk
is lost or repeated. The U-Net does not mind, since its attention to words knows no order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import torch
from torch import Tensor

from garasu.prompts.algebra import AlgebraError, add, lerp, scale
from garasu.prompts.conditioning import Conditioning
from garasu.prompts.exchange import exchange, occurrences

Encode = Callable[[str], Conditioning]


@dataclass(frozen=True)
class Change:
    """What becomes of a word.

    ``value`` is given, for each of ``texts``, the conditioning [1, T, D] of the sentence with that text in the word's
    place, all laid out alike, and returns one of the same shape, of which the word's rows are taken.
    """

    word: str
    texts: tuple[str, ...]
    value: Callable[[Mapping[str, Tensor]], Tensor]
    nth: int | None = None  # which of several, counted from 1; all when not given
    ends: bool = False  # whether end of text and padding of the word's chunk are moved too


def replace_word(
    encode: Encode, sentence: str, word: str, by: str, share: float = 1.0, *, nth: int | None = None, ends: bool = False
) -> Conditioning:
    """``by`` in the place of a word, or ``share`` of the way to it."""
    change = Change(word, (word, by), lambda given: lerp(given[word], given[by], share), nth, ends)
    return edit_words(encode, sentence, [change])


def nudge_word(
    encode: Encode, sentence: str, word: str, by: str, weight: float, *, nth: int | None = None, ends: bool = False
) -> Conditioning:
    """The word's rows plus ``weight`` times those that ``by`` would have in its place."""
    change = Change(word, (word, by), lambda given: add(given[word], scale(given[by], weight)), nth, ends)
    return edit_words(encode, sentence, [change])


def edit_words(encode: Encode, sentence: str, changes: Sequence[Change]) -> Conditioning:
    """The conditioning of a sentence with other rows where some of its words stand, [1, T, D].

    Changes do not see each other: each is made to the sentence as given. Where several move the ends, what they
    change there adds up.

    Raises:
        AlgebraError: a word that is not there, or that two changes touch; a prompt of which no word has a place; no
            room in the chunk.
    """
    encode = cache(encode)
    own = _Read.of(encode(sentence), ())
    spots = [spot for number, change in enumerate(changes) for spot in _spots(own, sentence, change, number)]
    spots.sort(key=lambda spot: spot.index)
    if any(second.index < first.index + first.have for first, second in pairwise(spots)):
        raise AlgebraError(f"two changes touch the same word of {sentence!r}: make one of them")
    own = replace(own, spots=tuple(spots))
    given = [
        {text: _given(own, encode(exchange(sentence, one.word, text, one.nth)), number) for text in one.texts}
        for number, one in enumerate(changes)
    ]
    widths = [max(read.width(n) for read in leaves.values()) for n, leaves in enumerate(given)]
    base = own.laid_out(widths)
    result, moved = base.tensor.clone(), torch.zeros_like(base.tensor)
    for number, (change, leaves) in enumerate(zip(changes, given, strict=True)):
        laid = {text: _same_layout(base, read.laid_out(widths), text) for text, read in leaves.items()}
        value = change.value({text: one.tensor for text, one in laid.items()})
        result[:, base.words[number]] = value[:, base.words[number]].to(result)
        if change.ends:
            moved[:, base.ends[number]] += (value - base.tensor)[:, base.ends[number]].to(moved)
    return Conditioning(result + moved)


@dataclass(frozen=True)
class _Spot:
    """Where a changed word stands: the number of its first token in the sentence, and of tokens."""

    index: int
    have: int
    change: int


@dataclass(frozen=True)
class _Layout:
    """A sentence's rows in a common order."""

    tensor: Tensor  # [1, T, D]
    others: tuple[int, ...]  # the ids of the text beside the changed words
    words: tuple[list[int], ...]  # for each change, where its words' rows are
    ends: tuple[list[int], ...]  # for each change, where end of text and padding of its words' chunks are


@dataclass(frozen=True)
class _Read:
    """A sentence as the text encoder has read it."""

    words: Conditioning
    text: tuple[int, ...]  # the places of its tokens, without start, end and padding
    spots: tuple[_Spot, ...]

    @classmethod
    def of(cls, words: Conditioning, spots: Sequence[_Spot]) -> _Read:
        return cls(words, _text(words), tuple(spots))

    def width(self, change: int) -> int:
        """Tokens of the changed word."""
        return next(spot.have for spot in self.spots if spot.change == change)

    def laid_out(self, widths: Sequence[int]) -> _Layout:
        """The rows with so many for each change's word. A shorter word is filled up with padding, on its left.

        So that on the way from "cat" to "black cat", "cat" becomes "cat" and padding becomes "black".
        """
        order: list[int] = []
        words: list[list[int]] = [[] for _ in widths]
        ends: list[list[int]] = [[] for _ in widths]
        others: list[int] = []
        row = self.words.tokens[0]
        ids, chunk = row.ids, len(row.chunks[0])
        for start in range(0, self.words.tensor.shape[1], chunk):
            stop = start + chunk
            inside, padding = set(), stop - 1
            order.append(start)
            after = start + 1
            for place, spot in self._units(start, stop):
                after = place + (spot.have if spot else 1)
                rows = list(range(place, after))
                if spot:
                    want = widths[spot.change]
                    rows = [padding] * (want - spot.have) + rows[max(0, spot.have - want) :]
                    words[spot.change] += range(len(order), len(order) + want)
                    inside.add(spot.change)
                else:
                    others.append(ids[place])
                order += rows
            if len(order) >= stop:
                raise AlgebraError("there is no room for longer words in a full chunk of 75 tokens: shorten the prompt")
            for change in inside:
                ends[change] += range(len(order), stop)
            order += [min(row, padding) for row in range(after, after + stop - len(order))]
        return _Layout(self.words.tensor[:, order], tuple(others), tuple(words), tuple(ends))

    def _units(self, start: int, stop: int) -> Iterator[tuple[int, _Spot | None]]:
        """The tokens of a chunk by their places, those of a changed word as one."""
        spots, skipped = {spot.index: spot for spot in self.spots}, 0
        for index, place in enumerate(self.text):
            if index < skipped or not start <= place < stop:
                continue
            spot = spots.get(index)
            if spot:
                skipped = index + spot.have
                if skipped > len(self.text) or self.text[skipped - 1] != place + spot.have - 1:
                    raise AlgebraError("a word that the border of two chunks divides cannot be changed: move it away")
            yield place, spot


def _spots(own: _Read, sentence: str, change: Change, number: int) -> Iterator[_Spot]:
    """Where a change's word stands in the sentence."""
    places = own.words.places(change.word)
    written = sum(1 for _ in occurrences(sentence, change.word))
    if not places or not written:
        raise AlgebraError(f"there is no word {change.word!r} in {sentence!r}: name one that is")
    if len(places) != written:
        raise AlgebraError(
            f"{change.word!r} is written {written} times in {sentence!r} and read {len(places)} times as a word: "
            "change a longer piece of the text, which is read as it is written"
        )
    if change.nth is not None and not 1 <= change.nth <= written:
        raise AlgebraError(f"{sentence!r} says {change.word!r} {written}×, so there is no #{change.nth}: count from 1")
    for place in places if change.nth is None else places[change.nth - 1 : change.nth]:
        yield _Spot(own.text.index(place[0]), len(place), number)


def _given(own: _Read, words: Conditioning, number: int) -> _Read:
    """The sentence with something else in the place of a change's word."""
    count = sum(spot.change == number for spot in own.spots)
    more, odd = divmod(len(_text(words)) - len(own.text), count)
    if odd or own.width(number) + more < 1:
        raise AlgebraError("this is no word that could stand in the other's place: take another")
    spots, shift = [], 0
    for spot in own.spots:
        grown = more * (spot.change == number)
        spots.append(replace(spot, index=spot.index + shift, have=spot.have + grown))
        shift += grown
    return _Read.of(words, spots)


def _same_layout(base: _Layout, other: _Layout, text: str) -> _Layout:
    if (base.words, base.others) != (other.words, other.others) or base.tensor.shape != other.tensor.shape:
        raise AlgebraError(
            f"with {text!r} in it, the sentence is read otherwise in other places too, or divided into other chunks: "
            "take another word"
        )
    return other


def _text(words: Conditioning) -> tuple[int, ...]:
    """The places of a prompt's tokens."""
    if len(words.tokens) != 1:
        raise AlgebraError("words can be changed in one prompt at a time, which is not a mix of several: encode one")
    return tuple(place for place, token in enumerate(words.tokens[0].tokens) if token.kind == "text")
