"""A word of a sentence, as text: where it stands, and the sentence with another in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator


def exchange(sentence: str, word: str, by: str, nth: int | None = None) -> str:
    """The text with another in the place of a word: of all its occurrences, or of the nth, counted from 1."""
    found = list(occurrences(sentence, word))
    for span in reversed(found if nth is None else found[nth - 1 : nth]):
        sentence = sentence[: span[0]] + by + sentence[span[1] :]
    return sentence


def occurrences(sentence: str, word: str) -> Iterator[tuple[int, int]]:
    """The characters where a word (or several in a row) stands: whole words only, in any case."""
    inner = r"\s+".join(map(re.escape, word.split()))
    before, after = (r"(?<!\w)" if inner[:1].isalnum() else "", r"(?!\w)" if inner[-1:].isalnum() else "")
    return (match.span() for match in re.finditer(before + inner + after, sentence, re.IGNORECASE) if inner)
