"""One walk of a record: what was at each of its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from garasu.glass.record.attention import map_size
from garasu.glass.record.document import Document, WalkEntry, Words
from garasu.glass.record.errors import RecordError
from garasu.glass.record.ledger import conditioning_name, finished_name, step_name
from garasu.glass.record.series import Series
from garasu.glass.record.tensors import MappedTensors
from garasu.glass.record.words import places as places_of

NEGATIVE, PROMPT = "negative", "prompt"


class Walk:
    """Every quantity is a `Series` over the steps; a step is one call of the denoiser.

    ``latent``: x = x0 + σ·noise as the sampler asked about it; ``x0``: what it was answered; both [B, 4, h, w],
    float32. ``eps``: the noise in between, (latent − x0)/σ, which is the guided ε. ``eps_negative`` and ``eps_prompt``
    are what the network said to either, ``difference`` the second less the first, ``x0_negative`` and ``x0_prompt``
    what they would have meant: latent − σ·ε. ``sigma``, ``t`` (timestep, with fractions) and ``seconds`` are numbers.
    """

    def __init__(self, index: int, entry: WalkEntry, tensors: MappedTensors, document: Document) -> None:
        self.grid = entry.grid
        self.labels = entry.rows
        self.sigma = tuple(one.sigma for one in entry.evaluations)
        self.t = tuple(one.t for one in entry.evaluations)
        self.seconds = tuple(one.seconds for one in entry.evaluations)
        self.entry = entry
        self._index = index
        self._tensors = tensors
        self._document = document

    def __len__(self) -> int:
        return len(self.sigma)

    def __repr__(self) -> str:
        height, width = self.grid
        levels = f"sigma {self.sigma[0]:.3g} to {self.sigma[-1]:.3g}"
        rows = ", ".join(self.labels)
        return f"{len(self)} steps of a {height}x{width} latent, {levels}, {sum(self.seconds):.3g} s ({rows})"

    @property
    def finished(self) -> Tensor:
        """The finished latent [B, 4, h, w], to be decoded."""
        return self._tensors[finished_name(self._index)]

    @property
    def latent(self) -> Series:
        """x as the sampler asked about it [B, 4, h, w]."""
        return self._every("latent", lambda step: self._tensor(step, "latent"))

    @property
    def x0(self) -> Series:
        """The guided x0 as the sampler was answered [B, 4, h, w]."""
        return self._every("x0", lambda step: self._tensor(step, "x0"))

    @property
    def eps(self) -> Series:
        """The guided ε = (latent − x0)/σ [B, 4, h, w]."""
        return self._every("eps", lambda step: (self.latent[step] - self.x0[step]) / self.sigma[step])

    @property
    def eps_negative(self) -> Series:
        """What the network said to the negative prompt [B, 4, h, w]; of guided steps."""
        return self.said(NEGATIVE)

    @property
    def eps_prompt(self) -> Series:
        """What the network said to the prompt [B, 4, h, w]."""
        return self.said(PROMPT)

    @property
    def difference(self) -> Series:
        """What the prompt adds, ε of the prompt less ε of the negative one [B, 4, h, w]; of guided steps."""
        prompt, negative = self.eps_prompt, self.eps_negative
        return self._predicted("difference", lambda step: prompt[step] - negative[step], PROMPT, NEGATIVE)

    @property
    def x0_negative(self) -> Series:
        """What x0 would be without the prompt [B, 4, h, w]; of guided steps."""
        return self._predicted("x0_negative", lambda step: self._alone(step, NEGATIVE), NEGATIVE)

    @property
    def x0_prompt(self) -> Series:
        """What x0 would be without guidance [B, 4, h, w]."""
        return self._predicted("x0_prompt", lambda step: self._alone(step, PROMPT), PROMPT)

    @property
    def conditioning(self) -> Series:
        """The words that entered the U-Net for the prompt [B, T, D]."""
        return self.words(PROMPT)

    @property
    def negative(self) -> Series:
        """The words that entered it for the negative prompt [B, T, D]; of guided steps."""
        return self.words(NEGATIVE)

    @property
    def panes(self) -> Mapping[str, Series]:
        """What passed the panes that were recorded, [R, …], by their names; ``rows(step)`` says what its rows are."""
        names = dict.fromkeys(name for one in self.entry.evaluations for name in one.panes)
        return {name: self._pane(name) for name in names}

    @property
    def sides(self) -> tuple[str, ...]:
        """What the network was asked with: "negative" and "prompt", or "prompt part 0", … where it has parts."""
        labels = [label for one in self.entry.evaluations for label in one.rows]
        return tuple(dict.fromkeys(label.rpartition(" ")[0] for label in labels))

    def said(self, side: str) -> Series:
        """ε of one of the ``sides`` [B, 4, h, w]."""
        return self._predicted(f"eps of {side}", lambda step: self._said(step, side), side)

    def words(self, side: str) -> Series:
        """The conditioning that entered the U-Net for one of the ``sides`` [B, T, D]."""
        return self._predicted(f"conditioning of {side}", lambda step: self._words(step, side), side)

    def rows(self, step: int) -> tuple[str, ...]:
        """The labels of a step's network rows: "negative 0", …, "prompt 0", …; the numbers are those of ``labels``."""
        return self.entry.evaluations[step].rows

    def pane(self, name: str, side: str = PROMPT) -> Series:
        """What passed one pane for one of the ``sides``, [B, …] each.

        Raises:
            RecordError: there is no such pane; the message lists them.
        """
        if name not in self.panes:
            raise RecordError(f"the record has no pane {name!r}: it has {', '.join(self.panes) or 'none'}")
        steps = [step for step in self.panes[name].steps if self._of(step, side)]
        return self._series(name, steps, lambda step: self._tensor(step, name)[self._of(step, side)])

    def maps(self, name: str, places: tuple[int, ...], side: str = PROMPT) -> Series:
        """The attention that goes to some tokens in one layer, summed: [B, h', w'], or [B, N, h', w'] of N heads.

        ``name``: a pane of cross-attention weights; ``places``: positions in the conditioning.
        """
        return self._maps(name, dict.fromkeys(self.pane(name, side).steps, places), side)

    def text(self, step: int, side: str = PROMPT) -> Words | None:
        """What one of the ``sides`` says at a step, in tokens; None where it is calculated or mixed from several.

        Raises:
            RecordError: predictions of the step were not kept, or the side is not asked there.
        """
        index, rows = self.entry.evaluations[step].conditioning, self._of(step, side)
        if index is None or not rows:
            raise RecordError(f"the record has no words of {side} at step {step}: its sides are {self.sides}")
        known = self._document.conditionings
        phrase = known[index][rows[0]] if index < len(known) else None  # all rows of a side say the same
        return None if phrase is None else self._document.phrases[phrase]

    def attention(self, word: str, side: str = PROMPT) -> dict[str, Series]:
        """How much each place of the picture attends to a word: by layer, over the steps, [B, h', w'] each.

        The mean over heads (or each head, if they were kept), summed over the word's tokens and occurrences. The steps
        are those at which the word is said; of a prompt with parts, the part that says it. For the "negative" side the
        word is one of the negative prompt's.

        Raises:
            RecordError: the word is nowhere, in several parts, or the prompt is calculated.
        """
        side = self.side_of(word, side)
        said = self.said_at(word, side)
        names = [name for name in self.panes if name.endswith("cross_attention.weights")]
        return {name: self._maps(name, said, side) for name in names}

    def side_of(self, word: str, side: str = PROMPT) -> str:
        """The side itself; for "prompt", where that has parts, the one part in which the word is.

        Raises:
            RecordError: it is in none of them, or in several.
        """
        if side != PROMPT or side in self.sides:
            return side
        parts = [one for one in self.sides if one.startswith(PROMPT)]
        saying = [one for one in parts if any(_stands(word, text) for text in self._texts(one))]
        if len(saying) != 1:
            texts = ", ".join(f"{one}: {' / '.join(text.text for text in self._texts(one))}" for one in parts)
            where = "several parts" if saying else "no part"
            raise RecordError(f"{word!r} is in {where} of the prompt: name the side ({texts})")
        return saying[0]

    def said_at(self, word: str, side: str = PROMPT) -> dict[int, tuple[int, ...]]:
        """The steps at which one of the ``sides`` says a word, and all places of it there.

        Raises:
            RecordError: it never does; the message lists the words.
        """
        steps = [step for step, one in enumerate(self.entry.evaluations) if one.rows and self._of(step, side)]
        texts = {step: text for step in steps if (text := self.text(step, side)) is not None}
        found = {step: _stands(word, text) for step, text in texts.items()}
        if not any(found.values()):
            if not texts:
                raise RecordError(f"{side} is no plain text in this record, so that words have no places: use maps")
            places_of(word, max(texts.values(), key=lambda one: len(one.text)))  # says which words there are
        return {step: places for step, places in found.items() if places}

    def _texts(self, side: str) -> list[Words]:
        """All that a side says, once each."""
        steps = [step for step, one in enumerate(self.entry.evaluations) if one.rows and self._of(step, side)]
        found = (self.text(step, side) for step in steps)
        return list({text.text: text for text in found if text is not None}.values())

    def _maps(self, name: str, places: Mapping[int, tuple[int, ...]], side: str) -> Series:
        """The attention of one layer to the tokens in certain places of each step."""
        pane = self.pane(name, side)

        def read(step: int) -> Tensor:
            some = pane[step][..., list(places[step])].float().sum(-1)  # [B, (N,) P]
            return some.unflatten(-1, map_size(some.shape[-1], self.grid))

        return self._series(name, [step for step in pane.steps if step in places], read)

    def answer(self, step: int) -> tuple[Tensor, Tensor]:
        """Latent and x0 as the sampler went on with them: edited, if somebody did, and in memory as they lay there."""
        evaluation = self.entry.evaluations[step]
        what = "edited." if evaluation.edited else ""
        formats = [torch.channels_last if last else torch.contiguous_format for last in evaluation.channels_last]
        latent, x0 = (self._tensor(step, f"{what}{name}") for name in ("latent", "x0"))
        return latent.clone(memory_format=formats[0]), x0.clone(memory_format=formats[1])

    def _tensor(self, step: int, what: str) -> Tensor:
        return self._tensors[step_name(self._index, step, what)]

    def _of(self, step: int, side: str) -> list[int]:
        """Which network rows belong to one side."""
        return [index for index, label in enumerate(self.rows(step)) if label.rpartition(" ")[0] == side]

    def _said(self, step: int, side: str) -> Tensor:
        return self._tensor(step, "eps")[self._of(step, side)]

    def _alone(self, step: int, side: str) -> Tensor:
        return self.latent[step] - self.sigma[step] * self._said(step, side)

    def _words(self, step: int, side: str) -> Tensor:
        index = self.entry.evaluations[step].conditioning
        assert index is not None
        return self._tensors[conditioning_name(index)][self._of(step, side)]

    def _series(self, name: str, steps: list[int] | tuple[int, ...] | range, read: Callable[[int], Tensor]) -> Series:
        return Series(name, len(self), steps, self.labels, read)

    def _every(self, name: str, read: Callable[[int], Tensor]) -> Series:
        return self._series(name, range(len(self)), read)

    def _predicted(self, name: str, read: Callable[[int], Tensor], *sides: str) -> Series:
        """Over the steps in which all of the sides were asked. Raises RecordError if the prompt has only parts."""
        if PROMPT in sides and PROMPT not in self.sides and any(one.startswith(PROMPT) for one in self.sides):
            raise RecordError(f"the prompt has parts: take said(side), words(side) with a side of {self.sides}")
        return self._series(
            name, [step for step in range(len(self)) if all(self._of(step, one) for one in sides)], read
        )

    def _pane(self, name: str) -> Series:
        steps = [step for step, one in enumerate(self.entry.evaluations) if name in one.panes]
        labels = self.rows(steps[0])
        return Series(name, len(self), steps, labels, lambda step: self._tensor(step, name))


def _stands(word: str, text: Words) -> tuple[int, ...]:
    """All places of a word in a text; none if it is not there."""
    try:
        return tuple(place for one in places_of(word, text) for place in one)
    except RecordError:
        return ()
