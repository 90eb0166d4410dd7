"""From a prompt to a report about it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from garasu.glass.prompt.nearest import WordStates, changes, what_changed, word_states
from garasu.glass.prompt.parts import Reader
from garasu.glass.prompt.report import Cosines, Difference, Part, Place, PromptReport, Settings
from garasu.model import StableDiffusion
from garasu.prompts.conditioning import PromptCut, filled
from garasu.prompts.rules import DEFAULT_RULES, ReadingRules

NEAREST = 3  # words for each row
WORDS = 2000  # words to look among


@torch.no_grad()
def inspect_prompt(
    sd: StableDiffusion,
    prompt: str,
    against: Sequence[str] = (),
    rules: ReadingRules = DEFAULT_RULES,
    *,
    steps: int = 25,
    negative: bool = False,
    words: int = WORDS,
) -> PromptReport:
    """All about a prompt, as a model reads it.

    Args:
        sd: the model.
        prompt: as typed.
        against: other prompts to compare it with, read by the same rules.
        rules: how they are read.
        steps: of the walk, for prompts that change on the way.
        negative: read it as a negative prompt, in which AND is a word.
        words: how many words of the vocabulary, the most frequent, are looked among for the nearest; 0 for none.

    Raises:
        PromptError, ExpressionError, ValueError: as `sd.prompt_schedule` and `sd.encode`; a negative ``words``.
    """
    if words < 0:
        raise ValueError(f"{words} words cannot be looked among: give 0 to leave out the nearest, or more")
    settings = Settings(
        rules.syntax, rules.weighting, rules.clip_skip, rules.clip_skip_norm, rules.max_chunks, steps, negative
    )
    reader = Reader(sd, settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PromptCut)  # the report says it
        empty = reader.empty()
        found = reader.read(prompt)
        others = tuple(part for one in against for part in reader.read(one).parts)
    everything = (*found.parts, *found.ingredients, *others)
    states = _word_states(sd, everything, empty, rules, words)
    return PromptReport(
        prompt=prompt,
        model=sd.name,
        settings=settings,
        reading=found.reading,
        parts=tuple(_near(one, states) for one in found.parts),
        ingredients=tuple(_near(one, states) for one in found.ingredients),
        others=tuple(_near(one, states) for one in others),
        empty=empty,
        cosines=_all_cosines(everything, empty),
        differences=_differences(everything, len(everything) - len(others), empty),
        words=len(states.words),
    )


def _word_states(
    sd: StableDiffusion, parts: Sequence[Part], empty: Tensor, rules: ReadingRules, words: int
) -> WordStates:
    """Of the most frequent words, and of those that the parts are made of."""
    own = [place.id for one in parts for place in one.places if place.id is not None]
    return word_states(sd.text_encoder, sd.tokenizer, empty, rules, most=words, besides=own)


def _all_cosines(parts: Sequence[Part], empty: Tensor) -> tuple[Cosines, ...]:
    """Of every pair."""
    pairs = combinations(range(len(parts)), 2)
    return tuple(_cosines(parts[a], parts[b], empty, (a, b)) for a, b in pairs)


def _differences(parts: Sequence[Part], others: int, empty: Tensor) -> tuple[Difference, ...]:
    """Of the first part to each other prompt's, which are those from index ``others`` on."""
    return tuple(Difference(index, _distances(parts[0], parts[index], empty)) for index in range(others, len(parts)))


def _near(part: Part, states: WordStates) -> Part:
    """With the nearest words of each row."""
    ends = [place.kind in ("eos", "pad") for place in part.places]
    nearest = states.nearest(part.tensor, ends, NEAREST)
    places = (replace(place, nearest=near) for place, near in zip(part.places, nearest, strict=True))
    return replace(part, places=tuple(places))


def _cosines(a: Part, b: Part, empty: Tensor, pair: tuple[int, int]) -> Cosines:
    x, y = rows = _alike(a, b, empty)
    u, v = changed = [what_changed(one, empty) for one in rows]
    there = [changes(one, row) for one, row in zip(changed, rows, strict=True)]
    ends = [[index for index, _ in enumerate(one.places) if _ends_text(one.places, index)] for one in (a, b)]
    still = not all(one[end].any() for one, end in zip(there, ends, strict=True))
    return Cosines(
        *pair,
        end=_of_ends(rows, ends),
        rows=_of_rows(x, y, torch.ones_like(there[0])),
        end_changed=None if still else _of_ends(changed, ends),
        rows_changed=_of_rows(u, v, there[0] & there[1]),
    )


def _of_ends(rows: Sequence[Tensor], ends: Sequence[Sequence[int]]) -> float | None:
    """Of the rows at end of text, the mean of chunks; None if one has no such row."""
    if not all(ends):
        return None
    u, v = (one[end].mean(0) for one, end in zip(rows, ends, strict=True))  # [D]
    return float(cosine_similarity(u, v, dim=0))


def _of_rows(x: Tensor, y: Tensor, there: Tensor) -> float | None:
    """The mean of the rows that count, if any."""
    return float(cosine_similarity(x[there], y[there], dim=-1).mean()) if there.any() else None


def _ends_text(places: Sequence[Place], index: int) -> bool:
    """Whether this is an end of text with text before it; the empty prompt has the one that there is."""
    if places[index].kind != "eos":
        return False
    return places[index - 1].kind != "bos" or all(place.kind != "text" for place in places)


def _distances(a: Part, b: Part, empty: Tensor) -> tuple[float, ...]:
    x, y = _alike(a, b, empty)
    return tuple((x - y).norm(dim=-1).tolist())


def _alike(a: Part, b: Part, empty: Tensor) -> tuple[Tensor, Tensor]:
    """The tensors of both, as long as the longer one: filled up as in guidance."""
    longest = max(len(a.tensor), len(b.tensor))
    x, y = (filled(one.tensor[None], longest, empty[None])[0] for one in (a, b))
    return x, y
