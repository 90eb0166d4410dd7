"""The words of a prompt in tokens, and where each of them stands."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

from garasu.glass.record.document import Words
from garasu.glass.record.errors import RecordError
from garasu.model import StableDiffusion
from garasu.tasks.sampled import Sampled

END = "</w>"  # CLIP's mark of a word's last piece
FIELDS = ("prompt", "negative_prompt")
READING = ("clip_skip", "clip_skip_norm", "syntax", "emphasis", "max_chunks")


def words_of(sd: StableDiffusion, recipe: Sampled) -> dict[str, Words]:
    """The prompt and the negative prompt of a recipe in the tokens that its model reads.

    One that has parts, changes on the way or is calculated stands nowhere in one row of tokens, and is left out.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the run itself says what it cuts or ignores
        found = {field: _read(sd, recipe, field) for field in FIELDS}
    return {field: words for field, words in found.items() if words is not None}


def _read(sd: StableDiffusion, recipe: Sampled, field: str) -> Words | None:
    text, reading = getattr(recipe, field), recipe.model_dump(include=set(READING))
    schedule = sd.prompt_schedule([text], composes=field == "prompt", **reading)
    schedule.over(recipe.steps)
    (words, *others) = schedule.encoded.values()
    if others or not words.tokens:
        return None
    tokens = words.tokens[0].tokens
    pieces = tuple(token.piece if token.kind == "text" else "" for token in tokens)
    return Words(text=text, ids=tuple(token.id for token in tokens), pieces=pieces)


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
