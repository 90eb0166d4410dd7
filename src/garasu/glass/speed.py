"""How far neighbours on a journey are from each other, in three measures.

A distance divided by the distance travelled is a speed, so each measure is a length: it doubles when a step is twice
as long. `1 - cosine` is none (it quadruples), so of two embeddings the angle is taken, whose cosine that is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from garasu.glass.embeddings import embeddings
from garasu.images.convert import to_tensor
from garasu.networks.clip_vision import CLIPVision

Floats = NDArray[np.float64]
_ROWS = 32  # pictures that a vision tower looks at together


def pixel_distance(one: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference over pixels and channels, in levels of 255."""
    return float(np.abs(_levels(one) - _levels(other)).mean())


def pixel_distances(pictures: Sequence[Image.Image]) -> Floats:
    """`pixel_distance` of each pair of neighbours, [N-1]."""
    return np.array([pixel_distance(*pair) for pair in pairwise(pictures)])


def embedding_angles(tower: CLIPVision, pictures: Sequence[Image.Image]) -> Floats:
    """The angle between what a vision tower sees in neighbours, [N-1], in degrees; computed in float32."""
    exact = copy.deepcopy(tower).float().eval()
    seen = embeddings(exact, (to_tensor(some) for some in _batches(pictures)))  # [N, E]
    halves = (seen[1:] - seen[:-1]).norm(dim=1) / 2  # exact for small angles, as the cosine is not
    return np.degrees(2 * np.arcsin(halves.clamp(max=1).numpy()))


def tensor_distances(tensors: Sequence[Tensor]) -> Floats:
    """The Euclidean distance between neighbours of one shape, [N-1]."""
    flat = torch.stack([one.detach().double().flatten().cpu() for one in tensors])  # [N, D]
    return np.asarray((flat[1:] - flat[:-1]).norm(dim=1).numpy())


def _batches(pictures: Sequence[Image.Image]) -> Iterator[Sequence[Image.Image]]:
    return (pictures[first : first + _ROWS] for first in range(0, len(pictures), _ROWS))


def _levels(picture: Image.Image) -> NDArray[np.int16]:
    return np.asarray(picture.convert("RGB")).astype(np.int16)
