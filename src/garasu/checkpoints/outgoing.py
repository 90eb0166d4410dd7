"""Networks as a file wants them: the rename table read from our side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import torch
from torch import Tensor

from garasu.checkpoints import names
from garasu.checkpoints.build import Network
from garasu.checkpoints.names import Layout, Stored
from garasu.checkpoints.safetensors_file import Outgoing

HEADER_LINE = 120  # bytes that a tensor takes in a file's header, besides its name, at most


def outgoing(network: Network, layout: Layout, dtype: torch.dtype | None, prefix: str = "") -> dict[str, Outgoing]:
    """Every weight of a network under the file's name and in the file's form.

    Args:
        dtype: to write; None: as the network has it.
        prefix: before every name.
    """
    table = names.table(network.config, layout)
    gathered: dict[str, list[tuple[Stored, Tensor]]] = {}
    for parameter, tensor in network.state_dict().items():
        place = names.stored(table, parameter)
        gathered.setdefault(prefix + place.key, []).append((place, tensor))
    return {key: _one([place for place, _ in found], [t for _, t in found], dtype) for key, found in gathered.items()}


def shards(tensors: Mapping[str, Outgoing], most: int | None) -> Iterator[dict[str, Outgoing]]:
    """The tensors in order, in groups whose files have at most ``most`` bytes; a tensor larger than that is alone."""
    group: dict[str, Outgoing] = {}
    total = 0
    for key, tensor in tensors.items():
        size = tensor.size + len(key) + HEADER_LINE
        if group and most is not None and total + size > most - HEADER_LINE:
            yield group
            group, total = {}, 0
        group[key] = tensor
        total += size
    yield group


def _one(places: list[Stored], tensors: list[Tensor], dtype: torch.dtype | None) -> Outgoing:
    first, place = tensors[0], places[0]
    shape = tuple(first.shape)
    if place.third is not None:
        shape = (3 * shape[0], *shape[1:])
    elif place.pointwise:
        shape = (*shape, 1, 1)
    elif place.transposed:
        shape = shape[::-1]
    ordered = [tensor for _, tensor in sorted(zip([p.third or 0 for p in places], tensors, strict=True), key=_third)]
    return Outgoing(dtype or first.dtype, shape, partial(_make, ordered, place, shape))


def _third(pair: tuple[int, Tensor]) -> int:
    return pair[0]


def _make(tensors: list[Tensor], place: Stored, shape: tuple[int, ...]) -> Tensor:
    whole = torch.cat(tensors) if len(tensors) > 1 else tensors[0]
    return whole.T if place.transposed else whole.reshape(shape)
