"""The pictures that a larger whole is made of, kept in a folder until it is: an interrupted film goes on from there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from garasu.images.metadata import read_metadata
from garasu.tasks.folder import Folder, grouped
from garasu.tasks.picture import Picture
from garasu.tasks.txt2img import Txt2Img, txt2img_together

if TYPE_CHECKING:  # so that `garasu blend --help` does not wait for torch
    from garasu.diffusion.steps import Step
    from garasu.model import StableDiffusion

Numbered = tuple[int, Picture[Txt2Img]]
"""Which of several recipes, and its picture."""


def together(sd: StableDiffusion, recipes: Mapping[int, Txt2Img]) -> Iterator[Step | Numbered]:
    """Make pictures that may differ in anything: every step, and each picture with its number when it is made.

    What can be made together is, so numbers come out of order where more changes than words and seeds.
    """
    for group in grouped(recipes, lambda number: recipes[number]):
        left = iter(group)
        for made in txt2img_together(sd, [recipes[number] for number in group]):
            yield (next(left), made) if isinstance(made, Picture) else made


@dataclass(frozen=True)
class Kept:
    """A PNG for each recipe, numbered from 1, in a folder whose note says ``what`` they belong to."""

    path: Path
    kind: str
    recipes: Sequence[Txt2Img]
    what: Mapping[str, Any]

    @property
    def folder(self) -> Folder:
        """The folder with its note."""
        return Folder(self.path, self.kind, len(self.recipes))

    @property
    def files(self) -> list[Path]:
        """The PNGs, in the order of the recipes."""
        return [self.folder.file(index + 1) for index in range(len(self.recipes))]

    def check(self) -> None:
        """Raise FolderTakenError if the folder belongs to something else."""
        self.folder.check(self.what)

    def missing(self) -> list[int]:
        """Which recipes have no picture yet, from 0."""
        return [index for index, file in enumerate(self.files) if not file.exists()]

    def run(self, sd: StableDiffusion) -> Iterator[Step | int]:
        """Make what is missing: every step on the way, and the index of each recipe when its PNG is there."""
        files = self.files
        for made in together(sd, {index: self.recipes[index] for index in self.missing()}):
            if isinstance(made, tuple):
                index, picture = made
                self.folder.begin(self.what)  # not before there is something to keep
                picture.save(files[index])
                yield index
            else:
                yield made

    def made_with(self) -> Mapping[str, Any]:
        """What the pictures ran on, as the first says."""
        return (read_metadata(self.files[0]).ours or {})["made_with"]

    def clear(self) -> None:
        """Remove what was written here; the note last, so that half a folder can still be gone on with."""
        for file in [*self.files, self.folder.note]:
            file.unlink()
        if not any(self.path.iterdir()):
            self.path.rmdir()
