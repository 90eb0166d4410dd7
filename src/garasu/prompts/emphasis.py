"""Emphasis: how the weight of a word changes the vectors that the text encoder gave for it.

Tools read "(cat:1.3)" with different arithmetic; each is here by the name of its tool. Weights act on the text
encoder's output. Start, end and padding have weight 1 in all of them, and a prompt whose weights are all 1 comes
out untouched, to the bit.

The mean that A1111 restores is there taken over the whole batch: its pictures depend on their neighbours. Here each
row has its own, which is the same for one picture at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from garasu.prompts.prompt import PromptError

Read = Callable[[Tensor, Tensor | None], Tensor]
"""The text encoder: ids [N, L], and which of them are seen [N, L] (all if None) → [N, L, D], float32 or better."""

SMALLEST = 1e-5  # stands for weights of 0 and below in compel's blend, whose tangent is infinite at 0


@dataclass(frozen=True)
class Weighted:
    """The chunks of a batch of prompts: B rows of n chunks of L places."""

    ids: Tensor  # [B, n, L]
    weights: Tensor  # [B, n, L]
    fragments: Tensor  # [B, n, L]: the number of a place's fragment in its row; -1 for start, end and padding
    empty: Tensor  # [1, 1, L]: the ids of the empty prompt


Emphasise = Callable[[Weighted, Read], Tensor]  # → [B, n, L, D]


def ignore(chunks: Weighted, read: Read) -> Tensor:
    """As if all weights were 1."""
    return _read(read, chunks.ids)


def no_norm(chunks: Weighted, read: Read) -> Tensor:
    """z·w for each token."""
    return _read(read, chunks.ids) * chunks.weights[..., None]


def a1111(chunks: Weighted, read: Read) -> Tensor:
    """z·w for each token, then each chunk scaled as a whole until its mean is what it was before."""
    z = _read(read, chunks.ids)
    scaled = z * chunks.weights[..., None]
    before, after = (x.mean((-2, -1), keepdim=True) for x in (z, scaled))  # [B, n, 1, 1]
    return scaled * torch.where(after == 0, 1, before / after)


def comfy(chunks: Weighted, read: Read) -> Tensor:
    """z_empty + (z - z_empty)·w for each token, z_empty being the empty prompt at the same place."""
    return _from_empty(_read(read, chunks.ids), chunks.weights, _read(read, chunks.empty))


def compel(chunks: Weighted, read: Read) -> Tensor:
    """As ``comfy``; then each fragment of less than 1 draws the row towards the prompt without it.

    Without it: nothing attends to the fragment's tokens. It counts tan((1 - w)·π/2) against 1 of the row itself.
    Compel 2, which masks by default.
    """
    z_empty = _read(read, chunks.empty)
    base = _from_empty(_read(read, chunks.ids), chunks.weights, z_empty)
    lighter = list(_lighter(chunks))
    if not lighter:
        return base
    row, chunk, fragment = torch.tensor([one[:3] for one in lighter], device=base.device).T  # [N] each
    seen = chunks.fragments[row, chunk] != fragment[:, None]  # [N, L]
    without = _from_empty(read(chunks.ids[row, chunk], seen), chunks.weights[row, chunk], z_empty[0, 0])  # [N, L, D]
    shares = torch.tensor([one[3] for one in lighter], device=base.device)  # [N]
    drawn = shares[:, None, None] * (without - base[row, chunk])
    return base.index_put((row, chunk), drawn, accumulate=True)


def _read(read: Read, ids: Tensor) -> Tensor:
    """[B, n, L] → [B, n, L, D]."""
    z = read(ids.flatten(0, 1), None)
    return z.view(*ids.shape, -1)


def _from_empty(z: Tensor, weights: Tensor, z_empty: Tensor) -> Tensor:
    """Away from the empty prompt, or towards it; exactly z where the weight is 1."""
    weighted = z_empty + (z - z_empty) * weights[..., None]
    return torch.where(weights[..., None] == 1, z, weighted)


def _lighter(chunks: Weighted) -> Iterator[tuple[int, int, int, float]]:
    """Row, chunk and fragment of all text of less than 1, with the share of the row without that fragment."""
    for row, (fragments, weights) in enumerate(zip(chunks.fragments.tolist(), chunks.weights.tolist(), strict=True)):
        pairs = [set(zip(*chunk, strict=True)) for chunk in zip(fragments, weights, strict=True)]
        counts = {
            pair: math.tan((1 - max(SMALLEST, pair[1])) * math.pi / 2) for pair in set().union(*pairs) if pair[1] < 1
        }
        total = 1 + sum(counts.values())
        for pair, count in sorted(counts.items()):
            yield from ((row, chunk, pair[0], count / total) for chunk, there in enumerate(pairs) if pair in there)


def find_emphasis(name: str) -> Emphasise:
    """The arithmetic of that name.

    Raises:
        PromptError: there is none.
    """
    if name not in EMPHASIS:
        raise PromptError(f"there is no emphasis {name!r}: choose one of {', '.join(EMPHASES)}")
    return EMPHASIS[name]


EMPHASIS: dict[str, Emphasise] = {
    "a1111": a1111,
    "no-norm": no_norm,
    "comfy": comfy,
    "compel": compel,
    "ignore": ignore,
}
EMPHASES = tuple(EMPHASIS)
