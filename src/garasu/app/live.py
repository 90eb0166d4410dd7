"""The forming picture, shown while it is sampled: in the terminal, and in a file that is kept fresh."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO, TypeVar

from cyclopts import Parameter
from PIL import Image
from tqdm import tqdm

from garasu.images.metadata import check_png_name
from garasu.images.saving import whole_file
from garasu.images.sheet import sheet
from garasu.images.terminal import Protocol, detect, placed, shown
from garasu.tasks.picture import Picture
from garasu.tasks.recipe import Recipe
from garasu.tasks.sampled import Sampled

if TYPE_CHECKING:
    from garasu.diffusion.steps import Step
    from garasu.glass.preview import Preview
    from garasu.model import StableDiffusion

AnyRecipe = TypeVar("AnyRecipe", bound=Recipe)

_COLUMNS = 48  # of the terminal, at most
_BELOW = 3  # lines of it that stay free


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PreviewFlags:
    """Whether and where to show the forming picture."""

    preview: Annotated[
        bool | Literal["auto", "kitty", "sixel", "iterm", "blocks"],
        Parameter(help="Show the forming picture in the terminal; auto finds out what it can show.", negative=""),
    ] = False
    preview_file: Annotated[Path | None, Parameter(help="Keep the forming picture fresh in this PNG.")] = None
    preview_every: Annotated[int, Parameter(help="In how many steps once.")] = 1
    preview_vae: Annotated[
        Path | None, Parameter(help="A tiny decoder (TAESD) for sharp previews: a file or a folder.")
    ] = None

    def check(self, recipe: Sampled) -> None:
        """Refuse what cannot be, before a model is loaded. Raises ValueError, or OSError for the file."""
        if self.preview_every < 1:
            raise ValueError(f"--preview-every must be at least 1, not {self.preview_every}")
        asked = bool(self.preview) or self.preview_file is not None
        if self.preview_vae is not None and not asked:
            raise ValueError("--preview-vae needs something to show on: add --preview or --preview-file live.png")
        if asked and recipe.safety == "blank":
            raise ValueError("a preview shows what --safety blank would hide: leave one of them out")
        if self.preview_file is not None:
            check_png_name(self.preview_file)

    def live(self, sd: StableDiffusion) -> Live | None:
        """What shows a run of the model on stderr and in the file; None where there is nothing to show it on."""
        protocol = self._protocol(sys.stderr)
        if protocol is None and self.preview_file is None:
            return None
        from garasu.checkpoints.tiny_decoder import read_tiny_decoder  # not above: `--help` must not wait for torch
        from garasu.glass.preview import TinyPreview, linear_preview

        tiny = self.preview_vae
        preview = linear_preview(sd) if tiny is None else TinyPreview(read_tiny_decoder(tiny, sd.device))
        return Live(preview, protocol, self.preview_file, self.preview_every, sd.vae.config.factor, sys.stderr)

    def _protocol(self, stream: TextIO) -> Protocol | None:
        """As it was said, else what the terminal can do; nothing where there is no terminal."""
        if self.preview is False:
            return None
        if self.preview is True or self.preview == "auto":
            return detect(os.environ) if stream.isatty() else None
        return self.preview


NO_PREVIEW = PreviewFlags()


@dataclass
class Live:
    """Shows the steps that pass through it."""

    preview: Preview
    protocol: Protocol | None
    file: Path | None
    every: int
    factor: int  # pixels of the picture to a side of a latent's cell
    stream: TextIO
    rows: int = 0  # of the picture that stands right above the cursor

    def watched(self, made: Iterator[Step | Picture[AnyRecipe]]) -> Iterator[Step | Picture[AnyRecipe]]:
        """The same steps and pictures, shown as they pass."""
        for one in made:
            if isinstance(one, Picture):
                self.rows = 0  # its path is printed below
                self._write(one.image)
            elif one.index % self.every == 0 or one.index == one.total:
                self._show(one)
            yield one

    def _show(self, step: Step) -> None:
        pictures = self.preview(step.x0)
        picture = pictures[0] if len(pictures) == 1 else sheet(pictures, gap=1)
        if self.protocol is not None:
            self._draw(picture, self.protocol)
        scale = step.x0.shape[-1] * self.factor / pictures[0].width
        self._write(picture.resize((round(picture.width * scale), round(picture.height * scale)), _SMOOTH))

    def _draw(self, picture: Image.Image, protocol: Protocol) -> None:
        room = shutil.get_terminal_size()
        fitting = 2 * max(1, room.lines - _BELOW) * picture.width // picture.height
        drawn, rows = shown(picture, protocol, max(1, min(_COLUMNS, room.columns - 1, fitting)))
        with tqdm.external_write_mode(file=self.stream):  # takes the progress bar away and puts it back
            self.stream.write(placed(drawn, rows, over=rows == self.rows).decode())
            self.stream.flush()
        self.rows = rows

    def _write(self, picture: Image.Image) -> None:
        if self.file is not None:
            with whole_file(self.file) as beside:
                picture.save(beside, format="PNG", compress_level=1)


_SMOOTH = Image.Resampling.BICUBIC
