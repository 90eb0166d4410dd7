"""Walking a recorded run again from any step, as it was or with something changed.

The sampler is driven from its beginning, but up to the chosen step it is given the record's answers instead of the
network's. So whatever it remembers of earlier steps, and all noise that it draws, are what they were, for any sampler,
and what follows unchanged is the same to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from torch import Tensor

from garasu.diffusion.steps import Step
from garasu.glass.record.errors import RecordError
from garasu.glass.record.opening import Record
from garasu.glass.record.recall import Recall, recalling
from garasu.glass.record.replayed import ReplayedPicture
from garasu.glass.record.sources import steps_from
from garasu.glass.record.walk import Walk
from garasu.model import StableDiffusion
from garasu.tasks.picture import Picture
from garasu.tasks.sampled import Sampled

CHANGES = (
    *("prompt", "negative_prompt", "syntax", "emphasis", "max_chunks", "clip_skip", "clip_skip_norm"),
    *("guidance_scale", "guidance_start", "guidance_end", "seed"),
)
"""Fields that a replay can change, of those that the recipe has."""


def replay(
    sd: StableDiffusion,
    record: Record,
    *,
    start: int = 0,
    picture: int | None = None,
    latent: Tensor | None = None,
    **changes: Any,
) -> Picture[Any] | list[Picture[Any]]:
    """Walk a recorded run again from step ``start``; a list of pictures if the record has several.

    Args:
        sd: the model; on the same machine, with the record's model and dtype, the result is the same to the bit.
        record: of any task. Its steps are counted through all walks of a picture.
        start: the first step that the network is asked again, from 0.
        picture: only this one of the record's pictures, from 0.
        latent: x to go on from at ``start``, in place of the record's, [B, 4, h, w].
        changes: fields of the recipe that are different from there on, those of `CHANGES`: words, guidance, and seed
            (of the noise that a sampler draws on its way).

    Raises:
        RecordError: a step, picture, latent or field that cannot be, or batches that this machine does not make.
    """
    made = list(replay_steps(sd, record, start=start, picture=picture, latent=latent, **changes))
    pictures = [one for one in made if isinstance(one, Picture)]
    return pictures if len(record.pictures) > 1 and picture is None else pictures[0]


def replay_steps(
    sd: StableDiffusion,
    record: Record,
    *,
    start: int = 0,
    picture: int | None = None,
    latent: Tensor | None = None,
    **changes: Any,
) -> Iterator[Step | Picture[Any]]:
    """The same, to be watched: all steps, those from the record too, and each picture.

    Steps from ``start`` on may be edited. Raises as `replay`.
    """
    changed = _changed(record, changes)
    recipe, places = _places(record, picture)
    _check_start(record, places, start)
    if latent is not None:
        _check_latent(places, start, latent, refused="seed" in changed or recipe.deep_cache != 1)
    with recalling(sd, recipe) as recall:
        made = steps_from(sd, recipe.but(**changed), *record.sources.values())
        for one in _driven(made, recall, places, start, latent):
            edited = bool(changed) or latent is not None
            yield _named(one, record, start, edited) if isinstance(one, Picture) else one


def finished(record: Record, picture: int | None = None) -> list[Tensor]:
    """The finished latents of a record's walks in their order, [B, 4, h, w] each; of one picture [1, 4, h, w].

    Raises:
        RecordError: there is no such picture.
    """
    places = _places(record, picture)[1]
    return [place.rows(place.walk.finished) for place in places if place.step == len(place.walk) - 1]


@dataclass(frozen=True)
class _Place:
    """A step of the record: of which walk, its number in it and in all walks of its batch, and which row is wanted."""

    walk: Walk
    step: int
    position: int
    row: int | None

    def rows(self, value: Tensor) -> Tensor:
        """All rows, or the one that is wanted."""
        return value if self.row is None else value[self.row : self.row + 1]

    @property
    def latent(self) -> Tensor:
        """What the denoiser was asked about."""
        return self.rows(self.walk.latent[self.step])


def _changed(record: Record, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Those that change anything. Raises RecordError for a field that a replay cannot change."""
    can = [name for name in CHANGES if name in type(record.recipe).model_fields]
    for name in changes:
        if name not in can:
            known = ", ".join(can)
            raise RecordError(f"{name} decides a run from its beginning; what a replay can change is {known}")
    return {name: value for name, value in changes.items() if value != getattr(record.recipe, name)}


def _places(record: Record, picture: int | None) -> tuple[Sampled, list[_Place]]:
    """The recipe to walk again, and every step that it had, in order."""
    if picture is None:
        groups = dict.fromkeys(walk.entry.group for walk in record.walks)
        return record.recipe, [place for group in groups for place in _steps_of(record.group(group), None)]
    if not 0 <= picture < len(record.pictures):
        raise RecordError(f"there is no picture {picture}: the record has {len(record.pictures)}, counted from 0")
    entry = record.document.pictures[picture]
    return record.pictures[picture], list(_steps_of(record.group(entry.group), entry.row))


def _steps_of(walks: tuple[Walk, ...], row: int | None) -> Iterator[_Place]:
    position = 0
    for walk in walks:
        for step in range(len(walk)):
            yield _Place(walk, step, position, row)
            position += 1


def _check_start(record: Record, places: list[_Place], start: int) -> None:
    firsts = [index for index, place in enumerate(places) if place.position == 0]
    most = min(after - before for before, after in pairwise([*firsts, len(places)]))
    if not 0 <= start < most:
        raise RecordError(f"there is no step {start} to start from: the record has {most}, 0 to {most - 1}")
    if start < record.document.changed_at:
        raise RecordError(
            f"before step {record.document.changed_at} this record is that of another run, which was changed there: "
            "start there or later, or replay the other record"
        )


def _check_latent(places: list[_Place], start: int, latent: Tensor, *, refused: bool) -> None:
    here = [place for place in places if place.position == start]
    if refused or len(here) > 1:
        raise RecordError("a latent goes with no other seed, no deep_cache, and one batch (say which picture)")
    if latent.shape != here[0].latent.shape:
        shape = "x".join(map(str, here[0].latent.shape))
        raise RecordError(f"the latent of step {start} is {shape}, not {'x'.join(map(str, latent.shape))}")


def _driven(
    made: Iterator[Step | Picture[Any]], recall: Recall, places: list[_Place], start: int, latent: Tensor | None
) -> Iterator[Step | Picture[Any]]:
    """What the task makes, answered from the record before ``start``."""
    coming = iter(places)
    place = next(coming, None)
    _prepare(recall, place, start, latent)
    for one in made:
        if isinstance(one, Picture) or one.index == one.total:
            yield one
            continue
        if place is None or one.index != place.step or one.latent.shape != place.latent.shape:
            raise RecordError(
                "this machine makes other batches or steps than the record has: replay picture by picture"
            )
        if place.position < start:
            one.latent, one.x0 = (place.rows(value).to(one.latent) for value in place.walk.answer(place.step))
        elif place.position == start and latent is not None:
            one.latent = latent.to(one.latent)
        yield one
        place = next(coming, None)
        _prepare(recall, place, start, latent)


def _prepare(recall: Recall, place: _Place | None, start: int, latent: Tensor | None) -> None:
    """Say what the network has to do with the coming step."""
    recall.skipping = place is not None and place.position < start
    recall.other = None
    if place is not None and place.position == start and latent is not None:
        recall.other = latent, place.latent, place.walk.sigma[place.step]


def _named(picture: Picture[Any], record: Record, start: int, edited: bool) -> Picture[Any]:
    """The picture with the names of the files that the run started from, and with what its recipe does not say."""
    names = {name: getattr(record.recipe, name) for name in record.sources}
    recipe = picture.recipe.but(**names)
    if not edited:
        return replace(picture, recipe=recipe)
    known = record.document.id
    return ReplayedPicture(picture.image, recipe, picture.made_with, picture.others, start=start, of=known)
