"""What CLIP's vision tower sees in pictures, for distances between pictures and between sets of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from PIL import Image
from torch import Tensor

from garasu.glass.embeddings import embeddings
from garasu.images.convert import to_tensor
from garasu.model import StableDiffusion, load
from garasu.networks.clip_vision import CLIPVision
from garasu.training.evaluation.probe import draw
from garasu.world.scene import Scene

T = TypeVar("T")

ROWS = 32  # pictures seen at once
OWN, BUNDLED = "the model's own", "the bundled model's"


@dataclass(frozen=True)
class Eye:
    """A vision tower that looks at pictures of one size."""

    tower: CLIPVision
    whose: str  # OWN or BUNDLED
    size: tuple[int, int]  # of the drawings to make, width and height in px: that of the pictures

    def pictures(self, pictures: Sequence[Image.Image]) -> Tensor:
        """Pictures as vectors [N, E] of length 1, in float64."""
        return embeddings(self.tower, (to_tensor(some) for some in _batches(pictures)))

    def drawings(self, scenes: Sequence[Scene], seeds: Sequence[int]) -> Tensor:
        """Fresh drawings of the scenes as vectors [N, E] of length 1, in float64."""
        batches = zip(_batches(scenes), _batches(seeds), strict=True)
        return embeddings(self.tower, (draw(some, their_seeds, self.size) for some, their_seeds in batches))


def eye_of(sd: StableDiffusion) -> Eye:
    """The model's own vision tower where it is one half of a CLIP pair, else the bundled model's; in float32."""
    own = own_tower(sd)
    tower = load(device=sd.device).image_encoder if own is None else own
    assert tower is not None
    return Eye(copy.deepcopy(tower).float().eval(), BUNDLED if own is None else OWN, sd.native_size)


def own_tower(sd: StableDiffusion) -> CLIPVision | None:
    """The vision tower that the model's text encoder was trained with, if the model carries it."""
    return None if sd.text_encoder.projection is None else sd.image_encoder


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[first : first + ROWS] for first in range(0, len(items), ROWS))
