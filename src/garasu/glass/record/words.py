"""The words of a prompt in tokens, and where each of them stands."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from garasu.glass.record.document import Words
from garasu.glass.record.errors import RecordError
from garasu.model import StableDiffusion
from garasu.prompts.conditioning import Conditioning, filled
from garasu.tasks.sampled import Sampled, rules_of

END = "</w>"  # CLIP's mark of a word's last piece
FIELDS = ("prompt", "negative_prompt")
SAME = 1e-2  # relative distance up to which two conditionings are one; bfloat16 rounds by 2e-3


@dataclass(frozen=True, eq=False)
class Spoken:
    """What the prompts of a run say, and which conditioning says what.

    ``phrases``: all that is said at any step. ``whole``: which of them is the "prompt" and the "negative_prompt"; one
    that has parts, changes on the way or is calculated stands nowhere in one row of tokens, and is left out.
    """

    phrases: tuple[Words, ...]
    whole: dict[str, int]
    vectors: tuple[tuple[Tensor, int | None], ...]  # [1, T, D] each, and of which phrase; None for a calculated one
    empty: Tensor  # [1, 77, D]

    def of(self, conditioning: Tensor) -> tuple[int | None, ...]:
        """The phrase that each row of a conditioning [R, T, D] says; None where none does."""
        length = conditioning.shape[1]
        known = [(filled(one, length, self.empty), phrase) for one, phrase in self.vectors if one.shape[1] <= length]
        return tuple(_nearest(row.float(), known) for row in conditioning)


def spoken(sd: StableDiffusion, recipe: Sampled) -> Spoken:
    """All that the prompt and the negative prompt of a recipe say, as its model reads them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the run itself says what it cuts or ignores
        read = {field: _encoded(sd, recipe, field) for field in FIELDS}
        empty = sd.reader(rules_of(recipe)).schedule("").empty()
    phrases: list[Words] = []
    whole: dict[str, int] = {}
    vectors: list[tuple[Tensor, int | None]] = []
    for field, encoded in read.items():
        if len(encoded) == 1 and encoded[0].tokens:
            whole[field] = len(phrases)
        for one in encoded:
            vectors.append((one.tensor.detach().float().cpu(), len(phrases) if one.tokens else None))
            phrases += [_words(one)] if one.tokens else []
    return Spoken(tuple(phrases), whole, tuple(vectors), empty.detach().float().cpu())


def _encoded(sd: StableDiffusion, recipe: Sampled, field: str) -> list[Conditioning]:
    schedule = sd.reader(rules_of(recipe)).schedule(getattr(recipe, field), composes=field == "prompt")
    schedule.over(recipe.steps)
    return list(schedule.encoded.values())


def _words(one: Conditioning) -> Words:
    (row,) = one.tokens
    pieces = tuple(token.piece if token.kind == "text" else "" for token in row.tokens)
    written = "".join(fragment.text for fragment in row.fragments).strip()
    return Words(text=written, ids=row.ids, pieces=pieces)


def _nearest(row: Tensor, known: Sequence[tuple[Tensor, int | None]]) -> int | None:
    """Of vectors [1, T, D], the one that a row [T, D] is, but for the rounding of another number format."""
    distances = [(float((row - one[0]).norm() / one[0].norm()), phrase) for one, phrase in known]
    distance, phrase = min(distances, key=lambda one: one[0], default=(1.0, None))
    return phrase if distance < SAME else None


def places(word: str, words: Words) -> tuple[tuple[int, ...], ...]:
    """Where a word, or several in a row, stand: the positions of their tokens, for each occurrence.

    Raises:
        RecordError: nowhere; the message lists the prompt's words.
    """
    whole = list(whole_words(words.pieces))
    wanted = word.lower().split()
    found = tuple(
        tuple(place for _, places in whole[start : start + len(wanted)] for place in places)
        for start in range(len(whole) - len(wanted) + 1)
        if [text for text, _ in whole[start : start + len(wanted)]] == wanted
    )
    if not wanted or not found:
        known = " ".join(text for text, _ in whole) or "none"
        raise RecordError(f"{word!r} is not in the prompt, whose words are: {known}")
    return found


def whole_words(pieces: tuple[str, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Each word with the places of its pieces; start, end and padding are no words."""
    text, where = "", list[int]()
    for place, piece in enumerate(pieces):
        if not piece:
            continue
        text, where = text + piece.removesuffix(END), [*where, place]
        if piece.endswith(END):
            yield text, tuple(where)
            text, where = "", []
