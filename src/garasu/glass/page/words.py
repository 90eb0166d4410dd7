"""The words of a prompt as the page names them: each with the places of its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from garasu.glass.record.document import Words
from garasu.glass.record.words import END

Kind = Literal["start", "word", "end", "padding"]
NAMES = {"start": "start of text", "end": "end of text", "padding": "padding"}


@dataclass(frozen=True)
class Column:
    """One word, or all places that hold a start, an end or padding; ``places`` are those of its tokens."""

    text: str
    kind: Kind
    places: tuple[int, ...]


def columns(words: Words, start_id: int, length: int) -> tuple[Column, ...]:
    """Every place of a conditioning of ``length`` tokens in one column: the start, the words in order, end, padding."""
    others: dict[Kind, list[int]] = {"start": [], "end": [], "padding": []}
    found: list[Column] = []
    text, where, ended = "", list[int](), False
    for place in range(length):
        piece = words.pieces[place] if place < len(words.pieces) else ""
        if piece:
            text, where, ended = text + piece.removesuffix(END), [*where, place], False
            if piece.endswith(END):
                found.append(Column(text, "word", tuple(where)))
                text, where = "", []
        elif place < len(words.ids) and words.ids[place] == start_id:
            others["start"].append(place)
            ended = False
        else:
            others["padding" if ended else "end"].append(place)
            ended = True
    some = {kind: Column(NAMES[kind], kind, tuple(places)) for kind, places in others.items() if places}
    return tuple(one for one in (some.get("start"), *found, some.get("end"), some.get("padding")) if one is not None)


def membership(some: Sequence[Column], length: int) -> Tensor:
    """Which place belongs to which column, as ones in [length, columns]: attention times it is summed over tokens."""
    matrix = torch.zeros(length, len(some))
    for index, column in enumerate(some):
        matrix[list(column.places), index] = 1
    return matrix
