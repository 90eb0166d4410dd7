"""Folders of pictures that take long to make: a note in each says what they are, and what is missing is made later."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from garasu.images.saving import whole_file
from garasu.tasks.sampled import Sampled, alike


class FolderTakenError(ValueError):
    """A folder that holds something else already."""


@dataclass(frozen=True)
class Folder:
    """A folder for pictures, and a note in it, ``kind``.json."""

    path: Path
    kind: str

    @property
    def note(self) -> Path:
        """The file that says what the pictures are."""
        return self.path / f"{self.kind}.json"

    def read(self) -> Mapping[str, Any] | None:
        """What the note says; None if nothing was begun."""
        return json.loads(self.note.read_text(encoding="utf-8")) if self.note.exists() else None

    def check(self, what: Mapping[str, Any]) -> None:
        """Raise FolderTakenError if the folder holds pictures of anything but ``what``, or other things."""
        said = self.read()
        if said is not None:
            if said != json.loads(json.dumps(what)):
                raise FolderTakenError(f"{self.path} holds another {self.kind}: remove it, or name another")
        elif self.path.is_file() or (self.path.is_dir() and any(self.path.iterdir())):
            raise FolderTakenError(f"{self.path} is no empty folder: name a new one")

    def begin(self, what: Mapping[str, Any]) -> None:
        """Write down what the pictures are, if that is not there yet. Raises as `check`."""
        self.check(what)
        if self.note.exists():
            return
        self.path.mkdir(parents=True, exist_ok=True)
        with whole_file(self.note) as beside:
            beside.write_text(json.dumps(what, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def numbered(index: int, count: int) -> str:
    """1, 2, 3 of 9; 01, 02, 03 of 10."""
    return str(index).zfill(len(str(count)))


Item = TypeVar("Item")


def grouped(items: Iterable[Item], recipe: Callable[[Item], Sampled]) -> list[list[Item]]:
    """The items in groups whose recipes can be made together (see `alike`), each in its first one's place."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(json.dumps(alike(recipe(item)), sort_keys=True), []).append(item)
    return list(found.values())
