"""The flags that say whether and how a run is recorded: the same for every command that makes pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from PIL import Image
from tqdm import tqdm

from garasu.glass.record.options import CROSS_ATTENTION, PaneType, RecordOptions
from garasu.tasks.picture import Picture
from garasu.tasks.sampled import Sampled

if TYPE_CHECKING:
    from garasu.diffusion.steps import Step
    from garasu.model import StableDiffusion

MB = 10**6


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RecordFlags:
    """Where to keep the run, and what of it."""

    record: Annotated[Path | None, Parameter(help="Keep the run in this folder, to look into and to replay.")] = None
    record_panes: Annotated[
        tuple[str, ...],
        Parameter(help="What of the U-Net to keep, by name; several times, or none.", negative=""),
    ] = (CROSS_ATTENTION,)
    record_every: Annotated[int, Parameter(help="Keep predictions and panes of every so many steps.")] = 1
    record_heads: Annotated[bool, Parameter(help="Keep each head of attention, not their mean.", negative="")] = False
    record_dtype: Annotated[PaneType, Parameter(help="Number format of panes.")] = "float16"
    record_limit: Annotated[float, Parameter(help="How large a record may be, in GB.")] = 2.0

    @property
    def options(self) -> RecordOptions:
        """What to keep. Raises RecordError for what cannot be."""
        return RecordOptions(
            panes=self.record_panes,
            every=self.record_every,
            dtype=self.record_dtype,
            heads=self.record_heads,
            limit=self.record_limit,
        )

    def check(self) -> None:
        """Before a model is loaded. Raises RecordError for flags or a folder that cannot be."""
        from garasu.glass.record.document import check_folder

        options = self.options
        if self.record is not None:
            check_folder(self.record)
        elif options != RecordOptions():
            from garasu.glass.record.errors import RecordError

            raise RecordError("there is nothing to record into: say --record FOLDER")

    def kept(
        self,
        sd: StableDiffusion,
        recipe: Sampled,
        made: Iterator[Step | Picture[Any]],
        sources: Mapping[str, Image.Image] | None = None,
    ) -> Iterator[Step | Picture[Any]]:
        """What a task makes of a recipe, recorded if that is asked for; how large it will be is printed first.

        ``sources``: the pictures that the task starts from; those that the recipe names when not given.
        """
        if self.record is None:
            yield from made
            return
        from garasu.glass.record.recording import Recorder
        from garasu.glass.record.sources import sources_of

        recorder = Recorder(self.record, self.options, sources_of(recipe) if sources is None else sources)
        planned = 0
        for one in recorder.watch(sd, recipe, made):
            if recorder.budget.planned > planned:
                planned = recorder.budget.planned
                tqdm.write(f"{self.record}: {planned / MB:.3g} MB at most")
            yield one
        tqdm.write(str(self.record))


NOT_RECORDED = RecordFlags()
