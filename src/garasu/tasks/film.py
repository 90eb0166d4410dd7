"""Films of journeys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from garasu.images.reading import open_picture
from garasu.images.video import FilmError, check_film, read_comment, write_film
from garasu.tasks.blend import Journey, frame_at
from garasu.tasks.folder import Folder
from garasu.tasks.kept import Kept

_KIND = "journey"


@dataclass(frozen=True)
class Film:
    """A journey on its way to ``output``: a film file, or a folder of numbered PNGs where the name has no ending.

    ``model`` says what it is made with; frames of another model do not go into the same film.
    """

    output: Path
    journey: Journey
    fps: float
    model: Mapping[str, Any]

    @property
    def frames(self) -> Kept:
        """The frames, in a folder beside the film, or in the output itself."""
        recipes = [frame_at(self.journey, place) for place in self.journey.places()]
        what = {"recipe": self.journey.model_dump(), "model": dict(self.model)}
        return Kept(_folder(self.output), _KIND, recipes, what)

    def check(self) -> None:
        """Ask before long work.

        Raises:
            FilmError, OSError, ImportError: as `check_film`.
            FolderTakenError: the folder of frames holds those of another journey, or other things.
        """
        if self.output.suffix:
            check_film(self.output, self.fps)
        self.frames.check()

    def finish(self, *, keep_frames: bool = False) -> None:
        """Make the film of all frames, and remove them unless they are to be kept, or are what was asked for."""
        if not self.output.suffix:
            return
        frames = self.frames
        said = {"task": Journey.task, "recipe": self.journey.model_dump(), "fps": self.fps}
        comment = json.dumps(said | {"made_with": frames.made_with()}, ensure_ascii=False)
        write_film(self.output, (open_picture(file) for file in frames.files), fps=self.fps, comment=comment)
        if not keep_frames:
            frames.clear()


def begun(output: Path, journey: Journey) -> Journey:
    """A journey with a seed: its own, that of the same unfinished film, or a new one."""
    said = (Folder(_folder(output), _KIND, journey.frames).read() or {}).get("recipe", {})
    if not journey.seeds and {**said, "seeds": []} == journey.model_dump(mode="json"):
        return journey.but(seeds=said["seeds"])
    return journey.with_seed()


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


def _folder(output: Path) -> Path:
    return output.with_suffix(".frames") if output.suffix else output
