"""The words of a prompt as the page names them: each with the places of its tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from garasu.glass.record.document import Words
from garasu.glass.record.words import END

Kind = Literal["start", "word", "end", "padding"]
NAMES: dict[Kind, str] = {"start": "start of text", "end": "end of text", "padding": "padding"}


@dataclass(frozen=True)
class Column:
    """One word, or all places that hold a start, an end or padding; ``places`` are those of its tokens."""

    text: str
    kind: Kind
    places: tuple[int, ...]


def columns(words: Words, start_id: int, length: int) -> tuple[Column, ...]:
    """Every place of a conditioning of ``length`` tokens in one column: the start, the words in order, end, padding."""
    kinds = list(_kinds(words, start_id, length))
    found: list[Column] = []
    text, where = "", list[int]()
    for place, kind in enumerate(kinds):
        if kind != "word":
            continue
        text, where = text + words.pieces[place].removesuffix(END), [*where, place]
        cut = place + 1 == length or kinds[place + 1] != "word"  # in the middle, where the prompt was too long
        if cut or words.pieces[place].endswith(END):
            found.append(Column(text, "word", tuple(where)))
            text, where = "", []
    others = {kind: tuple(place for place, one in enumerate(kinds) if one == kind) for kind in NAMES}
    start, end, padding = (Column(NAMES[kind], kind, places) for kind, places in others.items())
    return tuple(one for one in (start, *found, end, padding) if one.places)


def _kinds(words: Words, start_id: int, length: int) -> Iterator[Kind]:
    """Of each place: the first one after a text is its end, those after that are padding."""
    before: Kind = "padding"
    for place in range(length):
        if place < len(words.pieces) and words.pieces[place]:
            before = "word"
        elif place < len(words.ids) and words.ids[place] == start_id:
            before = "start"
        else:
            before = "padding" if before in ("end", "padding") else "end"
        yield before


def membership(some: Sequence[Column], length: int) -> Tensor:
    """Which place belongs to which column, as ones in [length, columns]: attention times it is summed over tokens."""
    matrix = torch.zeros(length, len(some))
    for index, column in enumerate(some):
        matrix[list(column.places), index] = 1
    return matrix
