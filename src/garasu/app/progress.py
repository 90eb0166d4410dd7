"""A progress bar for a running task: steps done of all pictures, their rate, the time left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, NoReturn

from tqdm import tqdm

from garasu.tasks.picture import Picture, Recipe_co

if TYPE_CHECKING:
    from garasu.diffusion.steps import Step


def pictures_of(made: Iterable[Step | Picture[Recipe_co]], count: int) -> Iterator[Picture[Recipe_co]]:
    """Pass the `count` pictures of a task on as they are finished, drawing its steps as a bar on stderr."""
    with ExitStack() as stack:
        bar: tqdm[NoReturn] | None = None
        for one in made:
            if isinstance(one, Picture):
                yield one
                continue
            if bar is None:  # not before there is a step: what refuses to start shows no bar
                what = f"{count} pictures" if count > 1 else "picture"
                bar = stack.enter_context(tqdm(desc=what, total=one.total * count, unit="step", leave=False))
            if one.index == 0 and bar.n >= bar.total:  # a second pass, or another window of a large picture
                bar.total += one.total * len(one.latent)
            if one.index < one.total:  # the last of each batch is the finished latent: no work
                bar.update(len(one.latent))
