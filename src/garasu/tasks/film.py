"""Films of journeys."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from garasu.images.reading import open_picture
from garasu.images.saving import whole_file
from garasu.images.video import FilmError, check_film, read_comment, write_film
from garasu.tasks.blend import Journey, frame_at
from garasu.tasks.folder import Folder
from garasu.tasks.kept import Kept, by_number

_KIND = "journey"


@dataclass(frozen=True)
class Film:
    """A journey on its way to ``output``: a film file, or a folder of numbered PNGs where the name has no ending.

    ``model`` says what it is made with; frames of another model do not go into the same film. An ``adaptive`` film is
    chosen from `scouts`.
    """

    output: Path
    journey: Journey
    fps: float
    model: Mapping[str, Any]
    adaptive: bool = False

    @property
    def frames(self) -> Kept:
        """The frames, in a folder beside the film, or in the output itself."""
        path = self.output.with_suffix(".frames") if self.output.suffix else self.output
        recipes = [frame_at(self.journey, place) for place in self.journey.places()]
        return Kept(Folder(path, _KIND), by_number(recipes), self._what())

    def scouts(self, places: Iterable[float]) -> Kept:
        """Frames at any places of the journey, named after them, in a folder of their own."""
        recipes = {f"{place:.6f}": frame_at(self.journey, place) for place in places}
        return Kept(Folder(self.output.with_suffix(".scouts"), _KIND), recipes, self._what())

    @property
    def begun(self) -> Kept:
        """What is made first."""
        return self.scouts([]) if self.adaptive else self.frames

    def seeded(self) -> Film:
        """The film with a seed: its journey's own, that of the same unfinished film, or a new one."""
        said = (self.begun.folder.read() or {}).get("recipe", {})
        if not self.journey.seeds and {**said, "seeds": []} == self.journey.model_dump(mode="json"):
            return replace(self, journey=self.journey.but(seeds=said["seeds"]))
        return replace(self, journey=self.journey.with_seed())

    def check(self) -> None:
        """Ask before long work.

        Raises:
            FilmError, OSError, ImportError: as `check_film`.
            FolderTakenError: the folder of frames holds those of another journey, or other things.
        """
        if self.output.suffix:
            check_film(self.output, self.fps)
        self.begun.check()
        if self.adaptive and not self._placed_before():
            self.frames.check()

    def _placed_before(self) -> bool:
        """Whether the folder of frames holds those of this adaptive film, wherever they were placed."""
        said = (self.frames.folder.read() or {}).get("recipe", {})
        return {**said, "positions": []} == self.journey.model_dump(mode="json")

    def placed(self, places: Iterable[float]) -> Film:
        """The film of the scouts at these places, which become its frames."""
        sources = self.scouts(places)
        film = replace(self, journey=self.journey.but(positions=tuple(places)))
        film.frames.folder.begin(film.frames.what)
        for source, file in zip(sources.files.values(), film.frames.files.values(), strict=True):
            with whole_file(file) as beside:
                shutil.copyfile(source, beside)
        return film

    def finish(self, *, keep_frames: bool = False) -> None:
        """Make the film of all frames, and remove them unless they are to be kept, or are what was asked for."""
        if not self.output.suffix:
            return
        frames = self.frames
        said = {"task": Journey.task, "recipe": self.journey.model_dump(), "fps": self.fps}
        comment = json.dumps(said | {"made_with": frames.made_with()}, ensure_ascii=False)
        write_film(self.output, map(open_picture, frames.files.values()), fps=self.fps, comment=comment)
        if not keep_frames:
            frames.clear()

    def _what(self) -> dict[str, Any]:
        return {"recipe": self.journey.model_dump(), "model": dict(self.model)}


def read_film(path: str | Path) -> Mapping[str, Any]:
    """What a film says of itself: task, recipe (a Journey's fields), fps, made_with.

    Raises:
        FilmError: it says nothing that garasu wrote; or as `read_comment`.
    """
    try:
        said = json.loads(read_comment(path))
    except json.JSONDecodeError:
        said = None
    if not isinstance(said, dict) or said.get("task") != Journey.task:
        raise FilmError(f"{path} carries no journey of garasu's")
    return said
