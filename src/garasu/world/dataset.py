"""Many scenes at once: captioned folders in the datasets library's image-folder convention, and contact sheets."""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from garasu.images.sheet import sheet
from garasu.world.captions import caption
from garasu.world.concepts.examples import ConceptExample, concept_example
from garasu.world.concepts.table import find_concept
from garasu.world.render import render
from garasu.world.scene import Scene, held_out_scene, random_scene

METADATA = "metadata.jsonl"
_FAST = 1  # PNG's compression level: drawing is quicker than level 6


class DatasetError(ValueError):
    """A dataset that cannot be written."""


@dataclass(frozen=True)
class Example:
    """One drawn picture with its caption; `seed` draws it again."""

    scene: Scene
    text: str
    seed: int
    image: Image.Image

    @property
    def attributes(self) -> dict[str, str]:
        """What metadata.jsonl says beside the caption."""
        return asdict(self.scene)


def example(index: int, size: int | tuple[int, int] = 128, *, seed: int = 0, held_out: bool = False) -> Example:
    """Picture `index` of the dataset `seed`, a function of both alone: examples can be drawn in any order.

    With `held_out` the scene has a combination that training never sees, without it never.
    """
    rng = random.Random(f"{seed}/{index}{'/held out' if held_out else ''}")
    scene = held_out_scene(rng) if held_out else random_scene(rng)
    picture_seed = rng.randrange(1 << 31)
    return Example(scene, caption(scene, rng), picture_seed, Image.fromarray(render(scene, size, picture_seed)))


def _drawing(
    size: int | tuple[int, int], seed: int, held_out: bool, concept: str | None
) -> Callable[[int], Example | ConceptExample]:
    """What draws picture after picture of a dataset."""
    if concept is None:
        return lambda index: example(index, size, seed=seed, held_out=held_out)
    found = find_concept(concept)
    if held_out:
        raise DatasetError(
            f"every picture of {found.noun!r} is held out: ask for a concept or for held-out combinations, not for both"
        )
    return lambda index: concept_example(index, size, concept=found, seed=seed)


def write_folder(
    out: str | Path,
    count: int,
    size: int | tuple[int, int] = 128,
    *,
    seed: int = 0,
    held_out: bool = False,
    concept: str | None = None,
    watch: Callable[[Example | ConceptExample], object] | None = None,
) -> Path:
    """Write `count` pictures and metadata.jsonl to the folder `out` and return it.

    With the name of a `concept` that training never sees, all pictures show it. A line of metadata.jsonl holds
    file_name, text, seed and every attribute of the scene, or what `ConceptExample.attributes` says. Everything is
    written to a folder beside `out` that takes its place at the end: a run that stops early leaves nothing. `watch` is
    called with each example once it is written. Raises DatasetError if `out` already holds something or has no folder
    to be in, and ConceptError if there is no such concept.
    """
    target = Path(out)
    drawing = _drawing(size, seed, held_out, concept)
    _check(target, count)
    digits = len(str(count - 1))
    with _whole_folder(target) as folder, (folder / METADATA).open("w", encoding="utf-8") as metadata:
        for index in range(count):
            drawn = drawing(index)
            name = f"{index:0{digits}}.png"
            drawn.image.save(folder / name, compress_level=_FAST)
            line = {"file_name": name, "text": drawn.text, "seed": drawn.seed, **drawn.attributes}
            metadata.write(json.dumps(line) + "\n")
            if watch is not None:
                watch(drawn)
    return target


def _check(target: Path, count: int) -> None:
    if count < 1:
        raise DatasetError(f"a dataset of {count} pictures is empty: ask for at least 1")
    if target.is_file() or (target.is_dir() and any(target.iterdir())):
        raise DatasetError(f"{target} already holds something: name a new folder")
    if not target.absolute().parent.is_dir():
        raise DatasetError(f"the folder {target.absolute().parent} does not exist: make it first")


@contextmanager
def _whole_folder(target: Path) -> Iterator[Path]:
    """A folder beside the target, renamed to it at the end, removed on any failure."""
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.absolute().parent))
    try:
        yield beside
        mask = os.umask(0)
        os.umask(mask)
        beside.chmod(0o777 & ~mask)  # mkdtemp's 0700 would keep the folder from other users
        beside.replace(target)  # an empty folder may be replaced
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def contact_sheet(
    count: int,
    columns: int | None = None,
    size: int | tuple[int, int] = 128,
    *,
    seed: int = 0,
    held_out: bool = False,
    concept: str | None = None,
) -> Image.Image:
    """The first `count` pictures of the dataset `seed`, in rows, with what they show beneath them.

    Raises DatasetError if `count` is below 1, and ConceptError if there is no such concept.
    """
    drawing = _drawing(size, seed, held_out, concept)
    if count < 1:
        raise DatasetError(f"a sheet of {count} pictures is empty: ask for at least 1")
    drawn = [drawing(index) for index in range(count)]
    return sheet([one.image for one in drawn], [one.text for one in drawn], columns=columns)
