"""Attention maps as the page shows them: of some layers, for every word at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from garasu.glass.page.words import Column, columns, membership
from garasu.glass.record.attention import map_size
from garasu.glass.record.opening import Record
from garasu.glass.record.walk import PROMPT, Walk

PANE = ".cross_attention.weights"
BEST = "unet.up.1."  # whose maps lie on the things named best, in the bundled model


def attention_layers(walk: Walk) -> tuple[str, ...]:
    """The panes of cross-attention that a walk has."""
    return tuple(name for name in walk.panes if name.endswith(PANE))


def shown_words(record: Record, walk: Walk) -> tuple[Column, ...]:
    """The words of the prompt that have maps in a walk; none without attention, or where words have no places."""
    text = record.tokens.get(PROMPT)
    if text is None or PROMPT not in walk.sides or not attention_layers(walk):
        return ()
    length = walk.conditioning[walk.conditioning.steps[0]].shape[1]
    return columns(text, text.ids[0], length)


def stacks(walk: Walk, *, each: bool) -> dict[str, tuple[str, ...]]:
    """What one can choose to see, and of which layers it is the mean; with ``each``, also every layer alone."""
    names = attention_layers(walk)
    means = {
        f"mean of {start.rstrip('.')}": tuple(name for name in names if name.startswith(start))
        for start in (BEST, "unet.up.")
    }
    means[f"mean of all {len(names)} layers"] = names
    alone = {name.removesuffix(PANE): (name,) for name in names} if each else {}
    return {title: some for title, some in (means | alone).items() if some}


def stack_size(walk: Walk, names: Sequence[str], side: int) -> tuple[int, int]:
    """Height and width of the maps of a stack: of its finest layer, at most ``side``."""
    sizes = [map_size(walk.panes[name][walk.panes[name].steps[0]].shape[-2], walk.grid) for name in names]
    height, width = max(sizes)
    scale = min(1.0, side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def attention_steps(walk: Walk, steps: Sequence[int]) -> tuple[int, ...]:
    """For each step shown the last one up to it whose attention was kept, or the first one."""
    kept = walk.pane(attention_layers(walk)[0]).steps
    return tuple(max((one for one in kept if one <= step), default=kept[0]) for step in steps)


def word_maps(walk: Walk, step: int, names: Sequence[str], some: Sequence[Column], size: tuple[int, int]) -> Tensor:
    """How much each place attends to each word, [B, words, h, w]: the mean over heads and over the layers named.

    Coarser layers are brought to ``size`` bilinearly and finer ones by their means, so that over all words every place
    still has 1.
    """
    total = torch.zeros(())
    for name in names:
        weights = walk.pane(name)[step].float()
        weights = weights.mean(1) if weights.ndim == 4 else weights  # over heads, where each was kept
        maps = (weights @ membership(some, weights.shape[-1])).transpose(1, 2)  # [B, words, P]
        total = total + _resized(maps.unflatten(-1, map_size(maps.shape[-1], walk.grid)), size)
    return total / len(names)


def all_maps(
    walk: Walk, steps: Sequence[int], chosen: Mapping[str, tuple[str, ...]], some: Sequence[Column], limit: int
) -> dict[str, Tensor]:
    """By stack: [steps, B, words, h, w], float16, the record's own precision."""
    made = {}
    for title, names in chosen.items():
        size = stack_size(walk, names, limit)
        each = [word_maps(walk, step, names, some, size).half() for step in steps]
        made[title] = torch.stack(each)
    return made


def _resized(maps: Tensor, size: tuple[int, int]) -> Tensor:
    if maps.shape[-2] > size[0] or maps.shape[-1] > size[1]:
        return F.adaptive_avg_pool2d(maps, size)
    if maps.shape[-2:] != size:
        return F.interpolate(maps, size, mode="bilinear", align_corners=False)
    return maps
