"""The conditionings that a prompt is made of, each with its tokens: how the inspector reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from garasu.glass.prompt.report import Kind, Part, Place, Settings, Stretch
from garasu.model import StableDiffusion
from garasu.prompts.conditioning import Conditioning, encode_said
from garasu.prompts.expression import Expression
from garasu.prompts.prompt import Said
from garasu.prompts.reader import Calculated, Phrase, Spoken
from garasu.prompts.schedule import PromptSchedule, Reading
from garasu.prompts.syntax import parse


@dataclass(frozen=True, eq=False)
class Found:
    """What a prompt says: its conditionings, and those they were mixed or calculated from."""

    reading: str
    parts: tuple[Part, ...]
    ingredients: tuple[Part, ...]


@dataclass(frozen=True, eq=False)
class Reader:
    """Reads prompts as `sd.prompt_schedule` does, and keeps what it came by."""

    sd: StableDiffusion
    settings: Settings

    def empty(self) -> Tensor:
        """The empty prompt's rows, [77, D]."""
        return _rows(self._schedule("").empty())

    def read(self, text: str) -> Found:
        """One prompt."""
        schedule = self._schedule(text)
        reading, steps = schedule.prompts[0], self.settings.steps
        phrases: dict[Any, list[Stretch]] = {}  # each is a Phrase
        first = 1
        for last in reading.changes(steps):
            for phrase, weight in reading.at(last, steps):
                phrases.setdefault(phrase, []).append(Stretch(first, last, weight))
            first = last + 1
        schedule.over(steps)  # encodes every phrase
        found = [self._phrase(phrase, schedule) for phrase in phrases]
        name = text if len(found) == 1 else None
        return Found(
            _described(reading, steps),
            tuple(
                replace(part, name=part.name if name is None else name, stretches=tuple(stretches))
                for (part, _), stretches in zip(found, phrases.values(), strict=True)
            ),
            tuple(part for _, ingredients in found for part in ingredients),
        )

    def _phrase(self, phrase: Phrase, schedule: PromptSchedule) -> tuple[Part, tuple[Part, ...]]:
        """A phrase's conditioning, and what it was made from if that is more than one."""
        if not isinstance(phrase, Expression) and len(phrase) == 1:
            return self._said(phrase[0]), ()
        tensor = _rows(schedule.encoded[phrase].tensor)
        if isinstance(phrase, Expression):
            ingredients = tuple(map(self._quoted, phrase.prompts))
            return _calculated(str(phrase), tensor, ingredients), ingredients
        ingredients = tuple(map(self._said, phrase))
        return _calculated(" | ".join(one.name for one in ingredients), tensor, ingredients), ingredients

    def _quoted(self, text: str) -> Part:
        """A text of an expression, which is read as A1111 does."""
        return replace(self._said(parse(text).at(1, 1)[0]), name=text)

    def _said(self, said: Said) -> Part:
        rules = (self.settings, replace(self.settings, emphasis="ignore"))
        words, before = (encode_said(self.sd.text_encoder, self.sd.tokenizer, [said], one) for one in rules)
        return _part(_name(said), words, before)

    def _schedule(self, text: str) -> PromptSchedule:
        return self.sd.reader(self.settings).schedule(text, composes=not self.settings.negative)


def _rows(tensor: Tensor) -> Tensor:
    """[1, T, D] → [T, D], float32 on the CPU."""
    return tensor[0].float().cpu()


def _part(name: str, words: Conditioning, before: Conditioning) -> Part:
    row, tensor = words.tokens[0], _rows(words.tensor)
    norms_before, norms = (rows.norm(dim=-1).tolist() for rows in (_rows(before.tensor), tensor))
    length = len(row.tokens) // len(row.moved)
    places = (
        Place(
            chunk=index // length,
            kind=token.kind,
            id=token.id,
            piece=token.piece,
            text=row.text(index),
            weight=token.weight,
            norm_before=norms_before[index],
            norm=norms[index],
        )
        for index, token in enumerate(row.tokens)
    )
    return Part(name, tensor, tuple(places), row.moved, row.cut, row.lost)


def _calculated(name: str, tensor: Tensor, ingredients: Sequence[Part]) -> Part:
    """A part that no single prompt gave: its places are described by what its ingredients have there."""
    longest = max(ingredients, key=lambda one: len(one.places))
    norms = tensor.norm(dim=-1).tolist()
    places = []
    for index, own in enumerate(longest.places):
        there = [one.places[index] for one in ingredients if index < len(one.places)]
        norm = norms[index]
        places.append(replace(_joint(there), chunk=own.chunk, norm_before=norm, norm=norm))
    cut = " | ".join(one.cut for one in ingredients if one.lost)
    return Part(name, tensor, tuple(places), (0,) * len(longest.moved), cut, sum(one.lost for one in ingredients))


def _joint(there: Sequence[Place]) -> Place:
    kinds, pieces = {one.kind for one in there}, list(dict.fromkeys(one.piece for one in there))
    kind: Kind = there[0].kind if len(kinds) == 1 else "mixed"
    text = " | ".join(dict.fromkeys(one.text for one in there if one.text))
    id = there[0].id if len(pieces) == 1 else None
    return replace(there[0], kind=kind, id=id, piece=" | ".join(pieces), text=text, weight=1.0)


def _name(said: Said) -> str:
    return " BREAK ".join("".join(fragment.text for fragment in section).strip() for section in said.sections)


def _described(reading: Reading, steps: int) -> str:
    """How a prompt was read, in lines."""
    if isinstance(reading, Spoken):
        return reading.prompt.describe(steps)
    assert isinstance(reading, Calculated)
    return f"algebra: {reading.expression}"
