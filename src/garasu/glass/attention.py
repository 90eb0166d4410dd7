"""Where each word of a recorded run was looked at from: attention maps after DAAM (Tang et al., arXiv:2210.04885)."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from garasu.glass.record.attention import map_size
from garasu.glass.record.document import Words
from garasu.glass.record.errors import RecordError
from garasu.glass.record.series import row_of
from garasu.glass.record.walk import PROMPT, Walk
from garasu.glass.record.words import places

LAYERS = {"up": ("unet.up.*",), "daam": ("unet.down.*", "unet.up.*"), "all": ("unet.*",)}
"""Layers to average, by name. "daam" is what DAAM averages in Stable Diffusion 1.x, all but the middle."""
START, END, PADDING, OTHERS = "<start>", "<end>", "<padding>", "<other words>"
REST = (START, END, PADDING, OTHERS)
_PANE = ".blocks.0.cross_attention.weights"
_UNSHOWN = frozenset(("a", "an", "the", "and", "of", "on", "in", "at", "by", "to", "with"))
MOST = 8  # words that are taken when none are named


@dataclass(frozen=True, eq=False)
class AttentionReport:
    """Of one picture and one side: W words, S steps, layers of N heads, maps on the latent's grid h×w.

    A map is the attention that each place gives to the word: 0…1, summed over the word's tokens, the mean over heads.
    Where a word is not said at a step, its map there is NaN; means are over the steps at which it is said.
    """

    side: str
    label: str
    words: tuple[str, ...]
    steps: tuple[int, ...]
    layers: tuple[str, ...]  # those averaged
    chosen: str  # how they were chosen
    mean: Tensor  # [W, h, w], over the chosen layers and all steps
    by_step: Tensor  # [S, W, h, w], over the chosen layers
    by_layer: dict[str, Tensor]  # every layer: [W, h, w], over all steps
    by_head: dict[str, Tensor]  # every layer: [N, W, h, w]; empty if heads were not recorded
    shares: dict[str, Tensor]  # [S] each: what a word, or one of REST, gets of all attention

    @property
    def overlap(self) -> Tensor:
        """[W, W]: how much of two mean maps, each made to sum to 1, is common: Σ min(p, q). 1 is the same map."""
        p = self.mean.flatten(1) / self.mean.flatten(1).sum(1, keepdim=True)  # [W, hw]
        return torch.minimum(p[:, None], p[None]).sum(-1)


def attention_report(
    walk: Walk,
    words: Sequence[str] = (),
    *,
    side: str = PROMPT,
    layers: str | Sequence[str] = "up",
    steps: Sequence[int] = (),
    picture: int | str = 0,
) -> AttentionReport:
    """Average the recorded attention of some words.

    Every map is brought to the latent's size by bicubic interpolation and cut off below 0, as in DAAM; then the mean is
    taken over layers and steps. DAAM sums over steps, which is the same but for a factor.

    Args:
        walk: of a record (`record.walks[0]`), with cross-attention.
        words: of the prompt, "cat", or several in a row, "yellow eyes". Without any, the first eight of the prompt
            that are no articles or prepositions.
        side: "prompt", "negative", or "prompt part 1": see `Walk.sides`. For "prompt" where that has parts, the part
            that says the first word.
        layers: a name of `LAYERS`, or patterns of module paths: "unet.up.1.*".
        steps: only these, counted from 0; all that were kept when empty.
        picture: which row, by number or label.

    Raises:
        RecordError: no such word, layer, step or row, or a record without cross-attention.
    """
    row = row_of(walk.labels, picture)
    first = _any_side(walk, side)
    side = walk.side_of(words[0], side) if words else first
    question = _question(walk, words, side, row, layers=layers, steps=steps)
    means = _averaged(question)
    return AttentionReport(
        side=question.side,
        label=walk.labels[row],
        words=question.words,
        steps=question.steps,
        layers=tuple(map(_short, question.chosen)),
        chosen=layers if isinstance(layers, str) else ", ".join(layers),
        mean=means.by_step.nanmean(0),
        by_step=means.by_step,
        by_layer=means.by_layer,
        by_head=means.by_head,
        shares=dict(zip((*question.words, *REST), means.shares.unbind(1), strict=True)),
    )


@dataclass(frozen=True, eq=False)
class _Question:
    """Which words of which row at which steps; ``where``: for each word, its places at the steps that say it."""

    walk: Walk
    side: str
    row: int
    panes: tuple[str, ...]  # of all layers
    chosen: tuple[str, ...]  # of those to average
    steps: tuple[int, ...]
    words: tuple[str, ...]
    where: tuple[dict[int, tuple[int, ...]], ...]

    @property
    def said(self) -> Tensor:
        """Whether a step says a word, [S, W]."""
        return torch.tensor([[step in found for found in self.where] for step in self.steps])

    def layer(self, name: str) -> tuple[Tensor, Tensor]:
        """Maps of each step [S, N, W, h, w], and what the words and REST receive in all [S, W + 4]."""
        series, everything, received = self.walk.pane(name, self.side), [], []
        for step in self.steps:
            weights = series[step][self.row].float()  # [(N,) P, T]
            weights = weights if weights.ndim == 3 else weights[None]
            sums = weights @ self._columns(step, weights.shape[-1])  # [N, P, W + 4]
            everything.append(_enlarged(sums[..., : len(self.words)].transpose(1, 2), self.walk.grid))
            received.append(sums.mean((0, 1)))
        return torch.stack(everything), torch.stack(received)

    def _columns(self, step: int, length: int) -> Tensor:
        """[T, W + 4] of ones where the tokens of each word stand, and those of REST."""
        text = self.walk.text(step, self.side)
        assert text is not None
        sets = [found.get(step, ()) for found in self.where]
        asked = {place for one in sets for place in one}
        role = ["" if place in asked else one or OTHERS for place, one in enumerate(roles(text, length))]
        sets += [tuple(place for place, one in enumerate(role) if one == name) for name in REST]
        columns = torch.zeros(length, len(sets))
        for index, one in enumerate(sets):
            columns[list(one), index] = 1
        return columns


def _question(
    walk: Walk, words: Sequence[str], side: str, row: int, *, layers: str | Sequence[str], steps: Sequence[int]
) -> _Question:
    """What is asked of a record. Raises RecordError where it has no answer: see `attention_report`."""
    panes = [name for name in walk.panes if name.endswith(_PANE)]
    if not panes:
        raise RecordError("the record has no cross-attention: record with the default panes")
    chosen = _chosen(panes, layers)
    kept = [step for step in walk.pane(panes[0], side).steps if not steps or step in steps]
    if missing := set(steps) - set(kept):
        raise RecordError(f"the record has no attention of step {min(missing)}: see --record-every, and the steps run")
    words = tuple(words) or _default(walk, side, kept)
    where = [{step: found for step, found in walk.said_at(word, side).items() if step in kept} for word in words]
    if empty := next((word for word, found in zip(words, where, strict=True) if not found), None):
        raise RecordError(f"{empty!r} is not said at the steps chosen")
    return _Question(walk, side, row, tuple(panes), tuple(chosen), tuple(kept), words, tuple(where))


@dataclass(frozen=True, eq=False)
class _Means:
    """The answer: of `AttentionReport` what it says there, and ``shares`` of the words and REST, [S, W + 4]."""

    by_step: Tensor
    by_layer: dict[str, Tensor]
    by_head: dict[str, Tensor]
    shares: Tensor


def _averaged(question: _Question) -> _Means:
    """Over the chosen layers at each step, and over the steps in each layer."""
    steps, words, said = len(question.steps), len(question.words), question.said
    by_step, shares = torch.zeros(steps, words, *question.walk.grid), torch.zeros(steps, words + len(REST))
    by_layer, by_head = {}, {}
    for pane in question.panes:
        maps, received = question.layer(pane)
        if pane in question.chosen:
            by_step += maps.mean(1) / len(question.chosen)
            shares += received / len(question.chosen)
        heads = maps.sum(0) / said.sum(0)[:, None, None]  # [N, W, h, w]
        by_layer[_short(pane)] = heads.mean(0)
        if len(heads) > 1:
            by_head[_short(pane)] = heads
    by_step[~said] = torch.nan
    return _Means(by_step, by_layer, by_head, shares)


def roles(text: Words, length: int) -> list[str]:
    """For each of ``length`` places of a conditioning: START, END, PADDING, or "" where a word stands."""
    starts = [
        place for place, (id, piece) in enumerate(zip(text.ids, text.pieces, strict=True)) if _is(text, id, piece)
    ]
    chunk = starts[1] if len(starts) > 1 else len(text.ids)
    found: list[str] = []
    for first in range(0, length, chunk):  # behind the text stand chunks of the empty prompt
        pieces = text.pieces[first + 1 : first + chunk] or ("",) * (chunk - 1)
        ended = next((index for index, piece in enumerate(pieces) if not piece), chunk)
        found += [START, *("" if piece else END if index == ended else PADDING for index, piece in enumerate(pieces))]
    return found


def _is(text: Words, id: int, piece: str) -> bool:
    """Whether a token is the start of a chunk."""
    return not piece and id == text.ids[0]


def _enlarged(maps: Tensor, grid: tuple[int, int]) -> Tensor:
    """[N, W, P] → [N, W, h, w]."""
    small = maps.unflatten(-1, map_size(maps.shape[-1], grid))
    return interpolate(small, size=grid, mode="bicubic", align_corners=False).clamp(min=0)


def _any_side(walk: Walk, side: str) -> str:
    """For "prompt" where that has parts, the first of them."""
    parts = [one for one in walk.sides if one.startswith(side)]
    if not parts:
        raise RecordError(f"there is no side {side!r}: the run's are {', '.join(walk.sides)}")
    return side if side in walk.sides else parts[0]


def _default(walk: Walk, side: str, kept: Sequence[int]) -> tuple[str, ...]:
    """The first words of all that is said; words that mean nothing by themselves come last."""
    texts = [text for step in kept if (text := walk.text(step, side)) is not None]
    found = dict.fromkeys(word for text in texts for word in spelled(text))
    words = [word for word in found if any(map(str.isalnum, word)) and word not in _UNSHOWN] or list(found)
    if not words:
        raise RecordError(f"{side} says no words: it is empty, mixed or calculated")
    return tuple(words[:MOST])


def spelled(text: Words) -> list[str]:
    """The words of a text in their order."""
    joined = "".join(piece.replace("</w>", " ") for piece in text.pieces)
    return [word for word in joined.split() if places(word, text)]


def _chosen(names: Sequence[str], layers: str | Sequence[str]) -> list[str]:
    patterns = LAYERS.get(layers, (layers,)) if isinstance(layers, str) else layers
    found = [name for name in names if any(fnmatch.fnmatchcase(name, f"{one.rstrip('*')}*") for one in patterns)]
    if not found:
        known = ", ".join(map(_short, names))
        raise RecordError(
            f"no layer is named {' or '.join(patterns)}: say {', '.join(LAYERS)}, or a pattern of {known}"
        )
    return found


def _short(name: str) -> str:
    """unet.up.1.transformers.0 of its pane."""
    return name.removesuffix(_PANE)
