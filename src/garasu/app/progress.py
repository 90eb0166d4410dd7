"""A progress bar for a running task: steps done, their rate, the time left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import ceil
from typing import TYPE_CHECKING

from tqdm import tqdm

from garasu.tasks.picture import Picture, Recipe_co

if TYPE_CHECKING:
    from garasu.diffusion.steps import Step


def pictures_of(made: Iterable[Step | Picture[Recipe_co]], count: int) -> Iterator[Picture[Recipe_co]]:
    """Pass the `count` pictures of a task on as they are finished, drawing its steps as a bar on stderr."""
    with tqdm(desc=f"{count} pictures" if count > 1 else "picture", unit="step", leave=False) as bar:
        for one in made:
            if isinstance(one, Picture):
                bar.clear()
                yield one
                continue
            if bar.total is None:
                bar.reset(one.total * ceil(count / len(one.latent)))
            if one.index < one.total:  # the last of each batch is the finished latent: no work
                bar.update()
