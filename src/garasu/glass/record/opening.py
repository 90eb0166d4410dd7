"""A finished record, opened: nothing is read from disk before it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from garasu.glass.record.document import ID, TENSORS, Document, read_document
from garasu.glass.record.errors import RecordError
from garasu.glass.record.ledger import conditioning_name, finished_name, step_name
from garasu.glass.record.series import Series
from garasu.glass.record.tensors import MappedTensors
from garasu.glass.record.walk import Walk
from garasu.glass.record.words import places
from garasu.tasks.picture import MadeWith
from garasu.tasks.refusal import RecipeError
from garasu.tasks.sampled import Sampled
from garasu.tasks.table import TASKS


class Record:
    """What a run was.

    ``walks``: its walks down the noise levels, one for each batch of pictures, or more (a larger second pass, window
    after window). The quantities of the first one (``latent``, ``x0``, ``eps``, …, see `Walk`) are the record's own.
    ``recipe`` makes all of its pictures, ``pictures`` are their single recipes; ``tokens`` the "prompt" and the
    "negative_prompt" in tokens; ``made_with`` and ``versions`` what it ran on; ``sources`` the pictures that it
    started from.
    """

    def __init__(self, folder: Path, document: Document, tensors: MappedTensors) -> None:
        self.path = folder
        self.document = document
        self.recipe, self.made_with, self.pictures = _recipes(folder, document)
        self.versions = document.versions
        self.tokens = {field: document.phrases[index] for field, index in document.whole.items()}
        self.seconds = document.seconds
        self.size = document.size
        self.walks = tuple(Walk(index, entry, tensors, document) for index, entry in enumerate(document.walks))
        self._tensors = tensors

    def __getattr__(self, name: str) -> Any:
        """A quantity of the first walk."""
        if name.startswith("_") or name == "walks":
            raise AttributeError(f"a record has no {name!r}")
        return getattr(self.walks[0], name)

    @property
    def sources(self) -> dict[str, Image.Image]:
        """ "image" and "mask", where it started from them."""
        names = [name for name in ("image", "mask") if f"source.{name}" in self._tensors]
        return {name: Image.fromarray(np.array(self._tensors[f"source.{name}"].numpy())) for name in names}

    def group(self, index: int) -> tuple[Walk, ...]:
        """The walks that made one batch of pictures, in their order."""
        return tuple(walk for walk in self.walks if walk.entry.group == index)

    def places(self, word: str, field: str = "prompt") -> tuple[tuple[int, ...], ...]:
        """Where a word, or several, stand in the prompt: the positions of their tokens, for each occurrence.

        Raises:
            RecordError: nowhere; the message lists the words. Or the prompt is not one row of tokens.
        """
        if field not in self.tokens:
            raise RecordError(
                f"the {field.replace('_', ' ')} changes on the way or has parts: text(step, side) has its tokens"
            )
        return places(word, self.tokens[field])

    def attention(self, word: str, side: str = "prompt") -> dict[str, Series]:
        """How much each place of the picture attends to a word, in the first walk: see `Walk.attention`."""
        return self.walks[0].attention(word, side)

    def __repr__(self) -> str:
        return "\n".join(_described(self))


def open_record(folder: str | Path) -> Record:
    """Open the record that a run left in a folder; its arrays are mapped, and read from disk when asked for.

    Raises:
        RecordError: there is none, it is unfinished, damaged, or something else's; in one sentence.
    """
    folder = Path(folder)
    document = read_document(folder)
    tensors = MappedTensors(folder / TENSORS)
    if tensors.metadata.get(ID) != document.id:
        raise RecordError(f"run.json and {TENSORS} in {folder} are not of the same record: make it again")
    missing = next((name for name in _promised(document) if name not in tensors), None)
    if missing is not None:
        raise RecordError(f"{folder / TENSORS} lacks {missing}, which run.json promises: make the record again")
    return Record(folder, document, tensors)


def _promised(document: Document) -> Iterator[str]:
    for walk, entry in enumerate(document.walks):
        for step, one in enumerate(entry.evaluations):
            kept = ("eps", *one.panes) if one.rows else ()
            edited = ("edited.latent", "edited.x0") if one.edited else ()
            yield from (step_name(walk, step, what) for what in ("latent", "x0", *kept, *edited))
            if one.conditioning is not None:
                yield conditioning_name(one.conditioning)
        yield finished_name(walk)


def _recipes(folder: Path, document: Document) -> tuple[Sampled, MadeWith, tuple[Sampled, ...]]:
    if document.task not in TASKS:
        raise RecordError(f"{folder}: this version of garasu knows no task {document.task!r}")
    kind = TASKS[document.task].recipe
    try:
        recipes = tuple(kind(**one.recipe) for one in document.pictures)
        return kind(**document.recipe), MadeWith(**document.made_with), recipes
    except RecipeError as problem:
        raise RecordError(f"{folder}: the recipe in the record is damaged: {problem}") from None


def _described(record: Record) -> Iterator[str]:
    recipe = record.recipe
    many = f"{len(record.pictures)} pictures" if len(record.pictures) > 1 else "a picture"
    yield f"Record of {many} by {recipe.task} in {record.path}, {record.size / 1e6:.3g} MB: {recipe.prompt!r}"
    yield f"  {recipe.sampler}, guidance scale {recipe.guidance_scale:g}, {record.made_with.model} model"
    yield from (f"  walk {index}: {walk}" for index, walk in enumerate(record.walks))
    panes = record.walks[0].panes
    yield f"  {len(panes)} panes as {record.document.kept.dtype}" + (f": {next(iter(panes))}, …" if panes else "")
    yield "  latent, x0, eps, eps_negative, eps_prompt, difference, conditioning, negative, panes, attention(word)"
