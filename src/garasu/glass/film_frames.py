"""The frames of a film, as they are measured: its pictures, and what led to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from garasu.tasks.kept import Kept
from garasu.tasks.sampled import rules_of
from garasu.tasks.txt2img import Txt2Img

if TYPE_CHECKING:  # so that `garasu blend --help` does not wait for torch
    from torch import Tensor

    from garasu.diffusion.steps import Step
    from garasu.glass.journey import Frame
    from garasu.model import StableDiffusion
    from garasu.tasks.film import Film

_ROWS = 32  # prompts read together


class Finished:
    """The finished latents of pictures that were watched while they were made, by their recipes."""

    def __init__(self) -> None:
        self.latents: dict[Txt2Img, Tensor] = {}

    def watched(self, kept: Kept, made: Iterable[Step | str]) -> Iterator[Step | str]:
        """Pass on the steps and names of `Kept.run`, and keep the latent of each name."""
        rows: list[Tensor] = []
        for one in made:
            if isinstance(one, str):
                self.latents[kept.recipes[one]] = rows.pop(0)
            elif one.index == one.total:  # a further walk, as that of hires fix, has other finished latents
                rows = list(one.latent.cpu())
            yield one


def film_frames(sd: StableDiffusion, film: Film, finished: Finished) -> list[Frame]:
    """The frames of a film whose pictures are all there; those made in an earlier run come without latents."""
    from garasu.glass.journey import Frame
    from garasu.images.reading import read_picture

    kept = film.frames
    recipes = list(kept.recipes.values())
    words = [row for first in range(0, len(recipes), _ROWS) for row in _words(sd, recipes[first : first + _ROWS])]
    latents = [finished.latents.get(one) for one in recipes]
    pictures = [read_picture(file) for file in kept.files.values()]
    return [Frame(*one) for one in zip(film.journey.places(), pictures, latents, words, strict=True)]


def _words(sd: StableDiffusion, recipes: Sequence[Txt2Img]) -> Tensor:
    """What the pictures are told at their first step, [B, T, D]; where a prompt has several parts, of the first."""
    first = recipes[0]
    schedule = sd.reader(rules_of(first)).schedule([one.prompt for one in recipes])
    told = schedule.over(first.steps)[0].parts[0].context.cpu()  # [1, T, D] where all say the same
    return told.expand(len(recipes), -1, -1)
