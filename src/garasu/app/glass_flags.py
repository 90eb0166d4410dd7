"""The flags of `garasu glass`: which picture of a record, which steps, and where the figure goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from garasu.app.commands.pictures import as_made
from garasu.app.model_flags import ModelFlags
from garasu.app.progress import DECODER, network_calls
from garasu.images.metadata import check_png_name
from garasu.images.saving import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from garasu.glass.picture_walk import PictureWalk
    from garasu.glass.record.opening import Record
    from garasu.model import StableDiffusion

_COLUMNS = 8  # steps that a figure shows when nothing else is said
FigureOutput = Annotated[Path, Parameter(name=["--output", "-o"], help="The PNG to write.")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class WalkFlags:
    """Which picture of a record."""

    picture: Annotated[int, Parameter(help="Of a record of several pictures this one, from 1.")] = 1
    walk: Annotated[int, Parameter(help="Of a picture that took several passes or windows this one, from 1.")] = 1

    def of(self, record: Record) -> PictureWalk:
        """The walk. Raises RecordError if the record has none such."""
        from garasu.glass.picture_walk import picture_walk

        return picture_walk(record, self.picture - 1, self.walk - 1)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class StepFlags:
    """Which steps of a walk."""

    steps: Annotated[str | None, Parameter(help="Which steps, from 0: 0,5,10; -1 is the last.")] = None
    count: Annotated[int | None, Parameter(help="In place of that: how many, evenly.")] = None

    def of(self, walk: PictureWalk, count: int) -> tuple[int, ...]:
        """The steps asked for, else ``count`` of them. Raises ValueError for steps that cannot be."""
        if self.steps is not None and self.count is not None:
            raise ValueError("say one of two: --steps 0,5,10 or --count 8")
        named = () if self.steps is None else numbers(self.steps, "--steps")
        return walk.steps(named, count if self.count is None else self.count)


FIRST_WALK, EVENLY = WalkFlags(), StepFlags()


def numbers(text: str, flag: str) -> tuple[int, ...]:
    """ "0,5,10" as whole numbers. Raises ValueError for anything else."""
    try:
        return tuple(int(one) for one in text.split(","))
    except ValueError:
        raise ValueError(f"{flag} takes whole numbers with commas between, as 0,5,10, not {text!r}") from None


def check_figure(output: Path) -> None:
    """Before any work: raises ValueError or OSError for an impossible name, ImportError without matplotlib."""
    import_module("matplotlib")
    check_png_name(output)


def draw_steps(
    draw: Callable[[StableDiffusion, PictureWalk, tuple[int, ...]], Figure],
    run: Path,
    output: Path,
    *,
    which: WalkFlags,
    steps: StepFlags,
    model: ModelFlags,
    decoded: int | None = None,
) -> None:
    """Draw some steps of a recorded walk by the record's model, and write the figure.

    ``decoded``: how many pictures of each step are decoded, if the bar is to know; the finished one is in any case.

    Raises before the model is loaded for a record, steps or a name that cannot be.
    """
    from garasu.glass.record.opening import open_record

    check_figure(output)
    record = open_record(run)
    walk = which.of(record)
    chosen = steps.of(walk, _COLUMNS)
    sd = as_made(model, record.made_with, run).load()
    with network_calls(sd, DECODER, None if decoded is None else decoded * len(chosen) + 1):
        figure = draw(sd, walk, chosen)
    save_figure(figure, output)


def save_figure(figure: Figure, output: Path) -> None:
    """Write the PNG, and print its name."""
    with whole_file(output) as beside:
        figure.savefig(beside, format="png")
    print(output)
