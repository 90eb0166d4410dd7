"""garasu replay: a recorded run, walked again from any step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from garasu.app.commands.pictures import as_made, changes
from garasu.app.making import Grid, MakeFlags, Output, make
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.record_flags import NOT_RECORDED, RecordFlags
from garasu.tasks.picture import Picture
from garasu.tasks.recipe import EmphasisName, SyntaxName
from garasu.tasks.sampled import Sampled

if TYPE_CHECKING:
    from torch import Tensor

    from garasu.diffusion.steps import Step
    from garasu.model import StableDiffusion


def _described(field: str) -> Parameter:
    """A flag for a field of the recipe, described there."""
    return Parameter(help=Sampled.model_fields[field].description)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ChangeFlags:
    """What is different from the step on at which the network is asked again; the rest is as recorded."""

    prompt: Annotated[str | None, Parameter(help="Another prompt from there on.")] = None
    negative_prompt: Annotated[str | None, Parameter(help="Another negative prompt from there on.")] = None
    syntax: Annotated[SyntaxName | None, _described("syntax")] = None
    emphasis: Annotated[EmphasisName | None, _described("emphasis")] = None
    max_chunks: Annotated[int | None, _described("max_chunks")] = None
    clip_skip: Annotated[int | None, _described("clip_skip")] = None
    clip_skip_norm: Annotated[bool | None, _described("clip_skip_norm")] = None
    guidance_scale: Annotated[float | None, Parameter(help="Another guidance scale from there on.")] = None
    guidance_start: Annotated[float | None, _described("guidance_start")] = None
    guidance_end: Annotated[float | None, _described("guidance_end")] = None
    seed: Annotated[int | None, Parameter(help="Of the noise that a sampler draws from there on.")] = None

    def given(self) -> dict[str, Any]:
        """The recipe's fields that were given, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}


UNCHANGED = ChangeFlags()


def replay(
    folder: Path,
    /,
    *,
    start: Annotated[int, Parameter(name="--from", help="The first step that the network is asked again.")] = 0,
    picture: Annotated[int | None, Parameter(help="Only this one of several pictures, from 1.")] = None,
    changed: ChangeFlags = UNCHANGED,
    model: ModelFlags = NONE_GIVEN,
    record: RecordFlags = NOT_RECORDED,
    output: Output = None,
    grid: Grid = False,
) -> int:
    """Walk a recorded run again from any step, as it was or with something changed.

    Up to that step nothing is computed. Says whether the latents are those of the record, and if
    not, how far they are from it in the end.
    """
    from garasu.glass.record.opening import open_record
    from garasu.glass.record.replaying import finished, replay_steps

    fields = changed.given()
    known = open_record(folder)
    index = None if picture is None else index_of(picture, len(known.pictures))
    before = finished(known, index)
    now: list[Tensor] = []
    recipe = (known.recipe if index is None else known.pictures[index]).but(**fields)
    record.check()

    def steps(sd: StableDiffusion) -> Iterator[Step | Picture[Any]]:
        made = replay_steps(sd, known, start=start, picture=index, **fields)
        for one in record.kept(sd, recipe, made, known.sources):
            if not isinstance(one, Picture) and one.index == one.total:
                now.append(one.latent)
            yield one

    named = output or Path(f"garasu-{recipe.seed}-from-{start}.png")
    pictures = make(steps, recipe, MakeFlags(model=as_made(model, known.made_with, folder), output=named, grid=grid))
    print(_compared(before, now))
    for change in changes(known.made_with, pictures[0].made_with):
        print(change)
    return 0


def index_of(picture: int, count: int) -> int:
    """Of a picture that is counted from 1. Raises RecordError for one that a record of so many has not."""
    from garasu.glass.record.errors import RecordError

    if not 1 <= picture <= count:
        raise RecordError(f"there is no picture {picture}: the record has {count}, 1 to {count}")
    return picture - 1


def _compared(before: list[Tensor], now: list[Tensor]) -> str:
    """Whether the finished latents are the same, and if not, how far they are apart: one line."""
    differences = [(new.cpu() - old).square().mean().sqrt().item() for old, new in zip(before, now, strict=True)]
    if not any(differences):
        return "identical to the record: its finished latents, to the bit"
    return f"different from the record: its finished latents by {max(differences):.3g} (root mean square; they have 1)"
