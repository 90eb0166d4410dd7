"""Making a record: a task's steps pass through here, and what they were is kept."""

from __future__ import annotations

import platform
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from garasu.diffusion.steps import Step
from garasu.glass.record.budget import Budget
from garasu.glass.record.document import FORMAT, ID, TENSORS, VERSION, Document, Kept, check_folder
from garasu.glass.record.ledger import Ledger
from garasu.glass.record.opening import Record, open_record
from garasu.glass.record.options import DEFAULT, RecordOptions
from garasu.glass.record.seen import Eyes
from garasu.glass.record.sources import sources_of, steps_from
from garasu.glass.record.tensors import TensorLog
from garasu.glass.record.words import spoken
from garasu.model import StableDiffusion
from garasu.tasks.picture import MadeWith, Picture
from garasu.tasks.sampled import Sampled
from garasu.tasks.source import Given


def record(
    sd: StableDiffusion,
    recipe: Sampled,
    folder: str | Path,
    options: RecordOptions = DEFAULT,
    *,
    image: Given | None = None,
    mask: Given | None = None,
) -> Record:
    """Make a recipe's pictures and keep the run in a folder: run.json and run.safetensors.

    Takes the recipe of any task, and the pictures that it starts from where it does not name them. The pictures are
    the same as without a record, to the bit. A record that was there is replaced; an interrupted run leaves none.

    Raises:
        RecordError: the folder holds something else, or the record would be larger than the options allow.
        PaneError: a pattern names nothing.
    """
    for _ in record_steps(sd, recipe, folder, options, image=image, mask=mask):
        pass
    return open_record(folder)


def record_steps(
    sd: StableDiffusion,
    recipe: Sampled,
    folder: str | Path,
    options: RecordOptions = DEFAULT,
    *,
    image: Given | None = None,
    mask: Given | None = None,
) -> Iterator[Step | Picture[Any]]:
    """The same, to be watched: every step on the way, and each picture as soon as it is finished.

    Steps may be edited; a record keeps both what was there and what it became. It is complete when the last picture
    has been taken and the next one asked for.
    """
    sources = sources_of(recipe, image, mask)
    yield from Recorder(folder, options, sources).watch(sd, recipe, steps_from(sd, recipe, image, mask))


class Recorder:
    """Keeps a run of any task, as its steps pass. ``budget`` says how large the record will be."""

    def __init__(
        self, folder: str | Path, options: RecordOptions = DEFAULT, sources: Mapping[str, Image.Image] = {}
    ) -> None:
        """``sources``: "image" and "mask", as far as the task starts from them. Raises as `check_folder`."""
        self.folder = Path(folder)
        self.options = options
        self.budget = Budget(options)
        self._sources = sources
        check_folder(self.folder)

    def watch(
        self, sd: StableDiffusion, recipe: Sampled, made: Iterator[Step | Picture[Any]]
    ) -> Iterator[Step | Picture[Any]]:
        """Pass on what a task makes of a recipe, keeping it; see `record_steps`."""
        eyes, words = Eyes(sd, self.options), spoken(sd, recipe)
        with _made(self.folder), TensorLog(self.folder) as log:
            for name, picture in self._sources.items():
                log.add(f"source.{name}", torch.from_numpy(np.array(picture)))
            ledger = Ledger(log, sd.schedule, words)
            began = time.perf_counter()
            with eyes.looking():
                yield from self._kept(made, eyes, ledger, recipe.count)
            seconds = time.perf_counter() - began
            self._save(log, ledger, made_with=MadeWith.of(sd), versions=_versions(sd), seconds=seconds)

    def _kept(
        self, made: Iterator[Step | Picture[Any]], eyes: Eyes, ledger: Ledger, count: int
    ) -> Iterator[Step | Picture[Any]]:
        asked = time.perf_counter()
        for one in made:
            if isinstance(one, Picture):
                ledger.picture(one)
                yield one
            else:
                seen = eyes.taken()
                ledger.step(one, seen, time.perf_counter() - asked)
                self.budget.check(one, seen, ledger, count)
                yield from _shown(one, ledger)
                eyes.open = (one.index + 1) % (one.total + 1) % self.options.every == 0
            asked = time.perf_counter()

    def _save(self, log: TensorLog, ledger: Ledger, *, made_with: MadeWith, **about: Any) -> None:
        known, recipe, options = uuid.uuid4().hex, ledger.recipe, self.options
        size = log.finish(self.folder / TENSORS, {"format": "pt", ID: known})
        Document(
            format=FORMAT,
            version=VERSION,
            id=known,
            size=size,
            task=recipe.task,
            recipe=recipe.model_dump(),
            made_with=made_with.model_dump(),
            kept=Kept(panes=options.panes, every=options.every, dtype=options.dtype, heads=options.heads),
            **ledger.entries(),
            **about,
        ).save(self.folder)


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """The folder, there while the block runs, and afterwards if anything was left in it."""
    new = not folder.exists()
    folder.mkdir(exist_ok=True)
    try:
        yield
    finally:
        if new and not any(folder.iterdir()):
            folder.rmdir()


def _shown(step: Step, ledger: Ledger) -> Iterator[Step]:
    """The step, and afterwards a look at what was made of it."""
    latent, x0 = step.latent.clone(), step.x0.clone()
    yield step
    if step.index < step.total and not (torch.equal(step.latent, latent) and torch.equal(step.x0, x0)):
        ledger.edited(step)


def _versions(sd: StableDiffusion) -> dict[str, str]:
    """What the numbers depend on, besides what `MadeWith` says."""
    packages = {name: version(name) for name in ("garasu", "torch", "safetensors", "numpy")}
    engine = " ".join(choice.name for choice in sd.engine.choices if choice.on)
    here = {"python": platform.python_version(), "machine": platform.machine(), "engine": engine}
    return {**packages, **here, "threads": str(torch.get_num_threads())}
