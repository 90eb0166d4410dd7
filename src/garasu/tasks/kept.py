"""The pictures that a larger whole is made of, kept in a folder until it is: an interrupted film goes on from there."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from garasu.images.metadata import read_metadata
from garasu.tasks.folder import Folder, grouped, numbered
from garasu.tasks.picture import Picture
from garasu.tasks.txt2img import Txt2Img, txt2img_together

if TYPE_CHECKING:  # so that `garasu blend --help` does not wait for torch
    from garasu.diffusion.steps import Step
    from garasu.model import StableDiffusion

Key = TypeVar("Key", bound=Hashable)


def together(
    sd: StableDiffusion, recipes: Mapping[Key, Txt2Img]
) -> Iterator[Step | tuple[Key, Picture[Txt2Img]]]:  # fmt: skip
    """Make pictures that may differ in anything: every step, and each picture with its key when it is made.

    What can be made together is, so they come out of order where they differ in more than a batch may.
    """
    for group in grouped(recipes, lambda key: recipes[key]):
        left = iter(group)
        for made in txt2img_together(sd, [recipes[key] for key in group]):
            yield (next(left), made) if isinstance(made, Picture) else made


@dataclass(frozen=True)
class Kept:
    """A PNG for each recipe, of its name, in a folder whose note says ``what`` they belong to."""

    folder: Folder
    recipes: Mapping[str, Txt2Img]
    what: Mapping[str, Any]

    @property
    def files(self) -> dict[str, Path]:
        """The PNG of each name, in the order of the recipes."""
        return {name: self.folder.path / f"{name}.png" for name in self.recipes}

    def check(self) -> None:
        """Raise FolderTakenError if the folder belongs to something else."""
        self.folder.check(self.what)

    def missing(self) -> list[str]:
        """The names that have no picture yet."""
        return [name for name, file in self.files.items() if not file.exists()]

    def run(self, sd: StableDiffusion) -> Iterator[Step | str]:
        """Make what is missing: every step on the way, and each name when its PNG is there."""
        files = self.files
        for made in together(sd, {name: self.recipes[name] for name in self.missing()}):
            if isinstance(made, tuple):
                name, picture = made
                self.folder.begin(self.what)  # not before there is something to keep
                picture.save(files[name])
                yield name
            else:
                yield made

    def made_with(self) -> Mapping[str, Any]:
        """What the pictures ran on, as the first says."""
        return (read_metadata(next(iter(self.files.values()))).ours or {})["made_with"]

    def clear(self) -> None:
        """Remove what was written here; the note last, so that half a folder can still be gone on with."""
        halves = self.folder.path.glob(".*-*")  # what a kill left of `whole_file`
        for file in [*halves, *self.files.values(), self.folder.note]:
            file.unlink()
        if not any(self.folder.path.iterdir()):
            self.folder.path.rmdir()


def by_number(recipes: Sequence[Txt2Img]) -> dict[str, Txt2Img]:
    """Recipes by their numbers, from 1."""
    return {numbered(index, len(recipes)): one for index, one in enumerate(recipes, 1)}
