"""In how many different pictures paths end: pictures that look alike are one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from garasu.glass.embeddings import embeddings
from garasu.glass.paths.path import Floats
from garasu.glass.speed import pixel_distance
from garasu.images.convert import to_tensor
from garasu.model import StableDiffusion

Measure = Literal["clip", "pixels"]
ALIKE: dict[Measure, float] = {"clip": 20.0, "pixels": 10.0}
UNIT: dict[Measure, str] = {"clip": "degrees between CLIP embeddings", "pixels": "levels of 255"}


def best_measure(sd: StableDiffusion) -> Measure:
    """CLIP where the checkpoint has an image encoder, else pixels."""
    return "pixels" if sd.image_encoder is None else "clip"


def picture_distances(sd: StableDiffusion, pictures: Sequence[Image.Image], by: Measure) -> Floats:
    """Between every two pictures, [N, N]: degrees between embeddings, or mean absolute levels of 255."""
    if by == "pixels" or sd.image_encoder is None:
        return np.array([[pixel_distance(one, other) for other in pictures] for one in pictures])
    with torch.no_grad():
        seen = embeddings(sd.image_encoder, (to_tensor([one]) for one in pictures))  # [N, E]
    halves = (seen[:, None] - seen[None]).norm(dim=-1) / 2  # exact for small angles, as the cosine is not
    return np.asarray(np.degrees(2 * np.arcsin(halves.clamp(max=1).numpy())))


def groups(distances: Floats, alike: float) -> NDArray[np.int64]:
    """The number of the group of each of [N, N]: two groups become one while their mean distance is at most ``alike``.

    Average linkage, nearest groups first. Groups are numbered by size, the largest 0.
    """
    members = [[index] for index in range(len(distances))]
    while len(members) > 1:
        pairs = [(i, j) for j in range(len(members)) for i in range(j)]
        means = [float(distances[np.ix_(members[i], members[j])].mean()) for i, j in pairs]
        nearest = int(np.argmin(means))
        if means[nearest] > alike:
            break
        i, j = pairs[nearest]
        members[i] += members.pop(j)
    found = np.zeros(len(distances), dtype=np.int64)
    for number, group in enumerate(sorted(members, key=lambda one: (-len(one), min(one)))):
        found[group] = number
    return found
