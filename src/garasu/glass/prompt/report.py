"""What is found out about a prompt, as data: it prints, becomes JSON and comes back, and is drawn as a page."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from garasu.glass.prompt.terminal import written
from garasu.prompts.rules import ReadingRules

Kind = Literal["bos", "text", "eos", "pad", "mixed"]


@dataclass(frozen=True)
class Near:
    """A word of the vocabulary, and how near it is."""

    word: str
    cosine: float


@dataclass(frozen=True)
class Place:
    """One row of the tensor: what stands there, and what the text encoder made of it."""

    chunk: int  # from 0
    kind: Kind  # "mixed" where a calculated prompt has different kinds in one place
    id: int | None  # None where several tokens were calculated with
    piece: str  # the vocabulary entry, "cat</w>"; several are "cat</w> | dog</w>"
    text: str  # the characters it stands for, as written; "" where no text stands
    weight: float
    norm_before: float  # the length of the row as if all weights were 1
    norm: float
    nearest: tuple[Near, ...] = ()  # see `garasu.glass.prompt.nearest`


@dataclass(frozen=True)
class Stretch:
    """Steps at which a part is followed, from 1, both ends included, and what it counts there."""

    first: int
    last: int
    weight: float


@dataclass(frozen=True, eq=False)
class Part:
    """One conditioning."""

    name: str  # its words, without weights
    tensor: Tensor  # [T, D], float32 on the CPU
    places: tuple[Place, ...]  # T
    moved: tuple[int, ...]  # for each chunk, how many of its first tokens comma back-tracking brought there
    cut: str  # the end of the text that did not fit, as written
    lost: int  # how many tokens that is
    stretches: tuple[Stretch, ...] = ()  # none for what is not followed by itself


@dataclass(frozen=True)
class Cosines:
    """How alike two conditionings are; a cosine is None where there is nothing to compare."""

    first: int  # indices into PromptReport.shown
    second: int
    end: float | None  # of the rows at end of text (of several chunks, of their mean)
    rows: float | None  # the mean over all places of the cosine of the two rows there
    end_changed: float | None  # the same two of what the words changed: see `garasu.glass.prompt.nearest`
    rows_changed: float | None


@dataclass(frozen=True)
class Difference:
    """Place by place, how far the first part is from another prompt's."""

    other: int  # index into PromptReport.shown
    distances: tuple[float, ...]  # of each row: the length of the difference


@dataclass(frozen=True)
class Settings(ReadingRules):
    """How the prompts were read: with the emphasis by its name, over how many steps, and whether AND was a word."""

    steps: int = 25
    negative: bool = False


@dataclass(frozen=True, eq=False)
class PromptReport:
    """All about one prompt, beside others."""

    prompt: str
    model: str
    settings: Settings
    reading: str  # how it was read, in lines
    parts: tuple[Part, ...]  # what the model is told; several where it changes over the steps or has AND
    ingredients: tuple[Part, ...]  # what a mixed or calculated part was made of
    others: tuple[Part, ...]  # prompts to compare with
    empty: Tensor  # [77, D], the empty prompt
    cosines: tuple[Cosines, ...]  # of every pair
    differences: tuple[Difference, ...]  # of the first part to each of the others
    words: int = field(default=0)  # how many words were looked among for the nearest

    @property
    def shown(self) -> tuple[Part, ...]:
        """Parts, ingredients, others."""
        return (*self.parts, *self.ingredients, *self.others)

    def text(self) -> str:
        """For a terminal of 100 columns."""
        return written(self)

    def to_json(self) -> str:
        """Everything, tensors included: ``{"shape": [77, 256], "float32": "…"}``, little-endian, in base64."""
        return json.dumps(_plain(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> PromptReport:
        """What `to_json` wrote."""
        data: dict[str, Any] = json.loads(text)
        data["settings"] = Settings(**data["settings"])
        for kind in ("parts", "ingredients", "others"):
            data[kind] = tuple(_part(one) for one in data[kind])
        data["empty"] = _tensor(data["empty"])
        data["cosines"] = tuple(Cosines(**one) for one in data["cosines"])
        data["differences"] = tuple(Difference(one["other"], tuple(one["distances"])) for one in data["differences"])
        return cls(**data)


def _plain(value: Any) -> Any:
    """Dataclasses as objects, tensors as their bytes."""
    if isinstance(value, Tensor):
        numbers = value.numpy().astype("<f4").tobytes()
        return {"shape": list(value.shape), "float32": base64.b64encode(numbers).decode("ascii")}
    if hasattr(value, "__dataclass_fields__"):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


def _tensor(data: dict[str, Any]) -> Tensor:
    numbers = np.frombuffer(base64.b64decode(data["float32"]), "<f4").astype(np.float32)
    return torch.from_numpy(numbers).view(data["shape"])


def _part(data: dict[str, Any]) -> Part:
    places = tuple(
        Place(**{**one, "nearest": tuple(Near(**near) for near in one["nearest"])}) for one in data["places"]
    )
    stretches = tuple(Stretch(**one) for one in data["stretches"])
    read = {"tensor": _tensor(data["tensor"]), "places": places, "moved": tuple(data["moved"]), "stretches": stretches}
    return Part(**{**data, **read})
