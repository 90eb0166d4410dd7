"""Sweeps: one recipe over many values of its fields, one file a picture, and all of them on one sheet."""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from garasu.images.reading import read_picture
from garasu.images.saving import whole_file
from garasu.images.sheet import sheet
from garasu.tasks.folder import Folder, grouped, numbered
from garasu.tasks.picture import Picture
from garasu.tasks.refusal import RecipeError, near
from garasu.tasks.sampled import Sampled
from garasu.tasks.table import Task

if TYPE_CHECKING:
    from garasu.diffusion.steps import Step
    from garasu.model import StableDiffusion

MOST = 10_000
_NUMBER = r"-?\d+(?:\.\d+)?"
_RANGE = re.compile(rf"({_NUMBER}):({_NUMBER})(?::({_NUMBER}))?")
_WORDS = ("prompt", "negative_prompt")


class SweepError(ValueError):
    """A sweep that cannot be made, with what can."""


@dataclass(frozen=True)
class Vary:
    """A field and the values that it takes in turn; with ``word`` only that word within a prompt is replaced."""

    field: str
    values: tuple[str, ...]
    word: str = ""

    def apply(self, recipe: Sampled, value: str) -> Sampled:
        """The recipe with one of the values."""
        if not self.word:
            return recipe.but(**{self.field: value})
        text = getattr(recipe, self.field)
        if self.word not in text:
            raise SweepError(f"there is no {self.word!r} in the {self.field} {text!r} to be replaced")
        return recipe.but(**{self.field: text.replace(self.word, value)})

    @property
    def name(self) -> str:
        """What varies, in a word."""
        return self.word or self.field


@dataclass(frozen=True)
class Point:
    """One picture of a sweep. ``same_as``: an earlier one whose settings come to the same."""

    index: int  # from 1
    values: Mapping[str, str]
    recipe: Sampled
    same_as: int | None = None

    @property
    def label(self) -> str:
        """What tells it from the others."""
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in self.values.items())


def read_vary(text: str, recipe: type[Sampled]) -> Vary:
    """``FIELD=VALUES`` or, for a word within a prompt, ``prompt:WORD=VALUES``.

    Values stand between commas (in quotes where they have commas themselves), or are a range FROM:TO or FROM:TO:STEP:
    of whole numbers without TO, as Python's, of numbers with a point with it.

    Raises:
        SweepError: no such field, no values, or a range that never ends.
    """
    name, equals, values = text.partition("=")
    field, _, word = name.strip().partition(":")
    if field not in recipe.model_fields or field in ("count", "image_hash", "mask_hash"):
        raise SweepError(f"there is no field {field!r} to vary{near(field, recipe.model_fields)}")
    if word and field not in _WORDS:
        raise SweepError(f"words can be replaced in {' and '.join(_WORDS)}, not in {field}")
    found = _values(values.strip())
    if not equals or not found:
        raise SweepError(f"{text!r} gives no values to {field}: write {field}=A,B,C or {field}=FROM:TO:STEP")
    return Vary(field, found, word)


def points(recipe: Sampled, varied: Sequence[Vary]) -> list[Point]:
    """Every combination of the values, the last field turning fastest.

    Raises:
        SweepError: nothing varies, a field twice, or more than 10,000 pictures.
        RecipeError: a value that its field cannot have.
    """
    names = [one.name for one in varied]
    if not varied or len(set(names)) < len(names):
        raise SweepError("name every field to vary once" if varied else "nothing varies: say --vary FIELD=VALUES")
    found: list[Point] = []
    seen: dict[str, int] = {}
    for index, values in enumerate(itertools.product(*(one.values for one in varied)), 1):
        if index > MOST:
            raise SweepError(f"these are more than {MOST} pictures: vary less at once")
        known = recipe
        for one, value in zip(varied, values, strict=True):
            known = one.apply(known, value)
        first = seen.setdefault(json.dumps(known.effective(), sort_keys=True), index)
        found.append(Point(index, dict(zip(names, values, strict=True)), known, first if first < index else None))
    return found


@dataclass(frozen=True)
class Sweep:
    """A folder with a picture for each point, ``sweep.jsonl`` that tells of each, and ``grid.png``."""

    folder: Path
    task: Task
    points: Sequence[Point]
    columns: int

    def begin(self, base: Mapping[str, Any]) -> None:
        """Write down what is swept. Raises FolderTakenError if the folder holds another sweep, or other things."""
        Folder(self.folder, "sweep").begin(base)

    def missing(self) -> list[Point]:
        """The points whose pictures are still to be made."""
        return [one for one in self.points if one.same_as is None and not self.file(one).exists()]

    def run(self, sd: StableDiffusion) -> Iterator[Step | Point]:
        """Make what is missing: every step on the way, and each point when its picture is there; then the grid."""
        for group in self._groups():
            left = iter(group)
            for made in self._made(sd, group):
                if isinstance(made, Picture):
                    point = next(left)
                    made.save(self.file(point))
                    yield point
                else:
                    yield made
        self._write_table()
        self._write_grid()

    def _groups(self) -> list[list[Point]]:
        """What is missing; points stand together that can be made together."""
        if self.task.together is None:
            return [[point] for point in self.missing()]
        return grouped(self.missing(), lambda point: point.recipe)

    def _made(self, sd: StableDiffusion, group: Sequence[Point]) -> Iterator[Step | Picture[Any]]:
        if self.task.together is None:
            return self.task.steps(sd, group[0].recipe)
        return self.task.together(sd, [point.recipe for point in group])

    def file(self, point: Point) -> Path:
        """The file of a point's picture: its own, or that of the one it is the same as."""
        return self.folder / f"{numbered(point.same_as or point.index, len(self.points))}.png"

    def _write_table(self) -> None:
        with whole_file(self.folder / "sweep.jsonl") as beside:
            lines = (
                {
                    "index": one.index,
                    "file": self.file(one).name,
                    "same_as": one.same_as,
                    "values": dict(one.values),
                    "recipe": one.recipe.model_dump(),
                }
                for one in self.points
            )
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            beside.write_text(text, encoding="utf-8")

    def _write_grid(self) -> None:
        shown: list[Image.Image] = [read_picture(self.file(one)) for one in self.points]
        labels = [one.label + (f" (the same as {one.same_as})" if one.same_as else "") for one in self.points]
        with whole_file(self.folder / "grid.png") as beside:
            sheet(shown, labels, columns=self.columns).save(beside, format="PNG")


def columns_for(varied: Sequence[Vary]) -> int:
    """How many pictures stand in a row: the last field's values, or about a square where only one varies."""
    last = len(varied[-1].values)
    return last if len(varied) > 1 or last <= 8 else max(8, round(last**0.5))


def settled_seed(recipe: Sampled, folder: Path) -> Sampled:
    """The recipe with a seed: its own, that of the sweep already begun in the folder, or a new one.

    Raises:
        RecipeError: the recipe asks for several pictures.
    """
    if recipe.count != 1:
        raise RecipeError("a sweep makes one picture of each: vary the seed instead of asking for several")
    begun = Folder(folder, "sweep").read()
    return recipe.with_seed() if begun is None or recipe.seed is not None else recipe.but(seed=begun["recipe"]["seed"])


def _values(text: str) -> tuple[str, ...]:
    span = _RANGE.fullmatch(text)
    if span is None:
        (row,) = csv.reader([text], skipinitialspace=True) if text else ([],)
        return tuple(value.strip() for value in row)
    whole = not any("." in part for part in span.groups() if part)
    start, stop, step = (Decimal(part) for part in (span[1], span[2], span[3] or "1"))
    if step == 0 or (stop - start) * step < 0:
        raise SweepError(f"the range {text} never comes to its end: FROM:TO:STEP")
    count = int((stop - start) / step) + (0 if whole and (stop - start) % step == 0 else 1)
    if count > MOST:
        raise SweepError(f"these are more than {MOST} pictures: vary less at once")
    return tuple(str(start + index * step) for index in range(count))
