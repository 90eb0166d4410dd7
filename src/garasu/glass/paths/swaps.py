"""Which of the differences between two runs parts them: each one alone is given to the first run, walked again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import torch
from torch import Tensor

from garasu.diffusion.steps import Step
from garasu.glass.paths.errors import PathError
from garasu.glass.paths.parting import HALF, rms, share_of
from garasu.glass.record.document import Words
from garasu.glass.record.opening import Record
from garasu.glass.record.replaying import CHANGES, replay_steps
from garasu.glass.record.words import whole_words
from garasu.model import StableDiffusion
from garasu.panes import At, look

MOST = 12  # groups of words that are tried
LATER = 6  # steps from which the other run's words are tried
ENDS = "end and padding"
ALL = "all that can change"


@dataclass(frozen=True)
class Swap:
    """The first run with something of the second one, from step ``start`` on.

    ``share``: how far it went towards the second's end, ⟨moved, whole way⟩ / ‖whole way‖²: 0 it stayed, 1 it arrived.
    ``moved``: how far its end is from the first's, in any direction, the whole way being 1.
    """

    what: str
    start: int
    sigma: float  # of that step
    share: float
    moved: float


@dataclass(frozen=True)
class Swaps:
    """``alone``: each difference by itself, from the beginning; ``later``: all that can change, from a step on."""

    alone: tuple[Swap, ...]
    later: tuple[Swap, ...]

    @property
    def turns_until(self) -> float | None:
        """The noise level down to which the change still gets half of the way; None if it never does, or none can.

        Between the steps tried it is taken on a straight line over log σ; at the last of them, that one.
        """
        reach = [one.share >= HALF for one in self.later]
        if True not in reach:
            return None
        last = len(reach) - 1 - reach[::-1].index(True)
        here, after = self.later[last], self.later[min(last + 1, len(reach) - 1)]
        if here is after:
            return here.sigma
        return float(here.sigma * (after.sigma / here.sigma) ** ((here.share - HALF) / (here.share - after.share)))

    def __str__(self) -> str:
        lines = [f"{one.share:6.0%} of the way by {one.what} alone (moved {one.moved:.0%})" for one in self.alone]
        lines += [f"{one.share:6.0%} of the way from step {one.start} (sigma {one.sigma:.3g}) on" for one in self.later]
        until = self.turns_until
        return "\n".join(lines if until is None else [*lines, f"half of the way can be gone until sigma {until:.3g}"])


def swaps(sd: StableDiffusion, one: Record, other: Record, picture: int = 0) -> Swaps:
    """Walk the first of two recorded runs again with what is different in the second: its noise, each field, each word.

    Words are given by the rows of the conditioning that they have in the second run, at most `MOST` groups of them,
    those whose rows differ most. Takes a run for each group and field, and `LATER` more.

    Args:
        sd: the model of the records.
        one, other: of one size.
        picture: which of theirs, counted from 0.

    Raises:
        PathError: the runs differ in nothing that can be exchanged, or words have no place in a prompt.
        RecordError: as `replay`.
    """
    return sorted_swaps(swap_each(sd, one, other, picture))


def sorted_swaps(made: Iterable[Swap]) -> Swaps:
    """What `swap_each` gives, in its two kinds."""
    known = list(made)
    return Swaps(tuple(one for one in known if one.what != ALL), tuple(one for one in known if one.what == ALL))


def swap_each(sd: StableDiffusion, one: Record, other: Record, picture: int = 0) -> Iterator[Swap]:
    """The same, to be watched: each as soon as it is made. Raises as `swaps`."""
    again = _Again(sd, one, other, picture)
    fields = again.fields()
    if not fields and not again.noise_differs:
        raise PathError("the two runs have the same noise, words and guidance: there is nothing to exchange")
    groups = list(_groups(one, other, again)) if "prompt" in fields else []
    if again.noise_differs:
        yield again.noise()
    for name, value in fields.items():
        yield again.swap(name.replace("_", " "), 0, **{name: value})
    for what, change in groups:
        yield again.words(what, change)
    last = len(again.walks[0]) - 1
    for start in sorted({round(index * last / LATER) for index in range(LATER)}) if fields else ():
        yield again.swap(ALL, start, **fields)


class _Again:
    """Walks the first run again, and says how far its end came."""

    def __init__(self, sd: StableDiffusion, one: Record, other: Record, picture: int) -> None:
        self._sd, self._one, self._other, self._picture = sd, one, other, picture
        entries = [record.document.pictures[picture] for record in (one, other)]
        self.walks = [record.group(e.group)[0] for record, e in zip((one, other), entries, strict=True)]
        self._rows = [entry.row for entry in entries]
        ends = [walk.finished[row] for walk, row in zip(self.walks, self._rows, strict=True)]
        self._end, self._way = ends[0], ends[1] - ends[0]

    @property
    def conditionings(self) -> list[Tensor]:
        """The words of either run as they entered the U-Net, [T, D]."""
        return [walk.conditioning[0][row] for walk, row in zip(self.walks, self._rows, strict=True)]

    @property
    def noise_differs(self) -> bool:
        """Whether they start from different noise."""
        return not torch.equal(*(walk.latent[0][row] for walk, row in zip(self.walks, self._rows, strict=True)))

    def fields(self) -> dict[str, Any]:
        """What the second recipe has different, of what can change on the way."""
        mine, theirs = (record.pictures[self._picture] for record in (self._one, self._other))
        names = [name for name in CHANGES if name != "seed" and hasattr(theirs, name)]
        return {name: getattr(theirs, name) for name in names if getattr(theirs, name) != getattr(mine, name)}

    def noise(self) -> Swap:
        """From the second run's noise."""
        row = self._rows[1]
        return self.swap("the noise", 0, latent=self.walks[1].latent[0][row : row + 1])

    def words(self, what: str, change: Callable[[Tensor], Tensor]) -> Swap:
        """With other rows of the conditioning."""

        def swapped(value: Tensor, at: At) -> Tensor:
            value = value.clone()
            for row, label in enumerate(at.rows):
                if label.startswith("prompt"):
                    value[row] = change(value[row])
            return value

        return self.swap(what, 0, swapped)

    def swap(self, what: str, start: int, words: Callable[[Tensor, At], Tensor] | None = None, **changes: Any) -> Swap:
        """With other words, or other fields of the recipe, from a step on."""
        looking = nullcontext() if words is None else look(self._sd, {"unet.conditioning": words})
        with looking:
            made = replay_steps(self._sd, self._one, start=start, picture=self._picture, **changes)
            end = _end_of(made)
        moved = end.cpu()[0] - self._end
        length = float(rms(self._way[None])[0])
        share = float(share_of(moved[None], self._way)[0])
        far = float(rms(moved[None])[0]) / length if length else 0.0
        return Swap(what, start, self.walks[0].sigma[start], share, far)


def _end_of(made: Iterator[Any]) -> Tensor:
    """The finished latent of the first walk."""
    return next(one.latent for one in made if isinstance(one, Step) and one.index == one.total)


def _groups(one: Record, other: Record, again: _Again) -> Iterator[tuple[str, Callable[[Tensor], Tensor]]]:
    """The words that differ in their rows, each with what exchanges these rows, in the order of the prompt."""
    texts = [record.tokens.get("prompt") for record in (one, other)]
    conditionings = [] if None in texts else again.conditionings
    if texts[0] is None or texts[1] is None or conditionings[0].shape != conditionings[1].shape:
        raise PathError(
            "single words can be exchanged between two prompts of one part and equally many chunks, "
            "that do not change on the way: leave out --words"
        )
    mine, theirs = conditionings
    groups = _aligned(texts[0], texts[1])
    changes = [(what, _exchange(groups, index, mine, theirs)) for index, (what, _, _) in enumerate(groups)]
    sizes = [float((change(mine) - mine).norm()) for _, change in changes]
    largest = sorted(range(len(sizes)), key=lambda index: -sizes[index])[:MOST]
    return (changes[index] for index in sorted(largest) if sizes[index] > 0)


Group = tuple[str, list[int], list[int]]


def _aligned(one: Words, other: Words) -> list[Group]:
    """The words of two prompts beside each other, with the places of their tokens in each, and what follows them."""
    mine, theirs = (list(whole_words(words.pieces)) for words in (one, other))
    groups: list[Group] = []
    texts = [[text for text, _ in some] for some in (mine, theirs)]
    for _, a, b, c, d in SequenceMatcher(None, texts[0], texts[1], autojunk=False).get_opcodes():
        pairs = [(slice(i, i + 1), slice(c + i - a, c + i - a + 1)) for i in range(a, b)] if b - a == d - c else []
        for here, there in pairs or [(slice(a, b), slice(c, d))]:
            groups.append((_named(texts[0][here], texts[1][there]), _places(mine[here]), _places(theirs[there])))
    last = [max(_places(some), default=0) + 1 for some in (mine, theirs)]
    after = [list(range(place, len(one.pieces))) for place in last]
    return [*groups, (ENDS, after[0], after[1])]


def _named(mine: list[str], theirs: list[str]) -> str:
    if mine == theirs:
        return " ".join(mine)
    return f"{' '.join(mine) or 'nothing'} → {' '.join(theirs) or 'nothing'}"


def _places(words: list[tuple[str, tuple[int, ...]]]) -> list[int]:
    return [place for _, places in words for place in places]


def _exchange(groups: list[Group], chosen: int, mine: Tensor, theirs: Tensor) -> Callable[[Tensor], Tensor]:
    """The first run's rows, those of one group from the second; the end is cut, or its last row repeated, to fit."""
    pieces = [theirs[there] if index == chosen else mine[here] for index, (_, here, there) in enumerate(groups)]
    rows = torch.cat([mine[:1], *pieces])
    short = len(mine) - len(rows)
    rows = torch.cat([rows, rows[-1:].expand(max(short, 0), -1)])[: len(mine)]
    return rows.to
