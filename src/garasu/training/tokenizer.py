"""A vocabulary of one's own: byte-pair merges learned from texts, in CLIP's form."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable

from tokenizers import Tokenizer as Backend
from tokenizers import models, trainers

from garasu.prompts.tokenizer import Tokenizer, normalizer, word_splitter
from garasu.prompts.vocabulary import BOS, END_OF_WORD, EOS, Merge, Vocabulary, byte_symbols

NOT_PROSE = re.compile(r"[^A-Za-z.,' ]+")  # rules, tables and code would cost entries
PICTURE_BLOCKS = ((0x2600, 0x27C0), (0x1F300, 0x1F650), (0x1F680, 0x1F700), (0x1F900, 0x1FA00))
PICTURE_WEIGHT = 5  # how often each pictograph's name counts against the prose


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Learn a tokenizer of at most ``vocab_size`` entries.

    All 256 bytes, and all 256 bytes that end a word, are entries from the start, whatever the texts hold: a trainer
    left to itself keeps only those it saw, and unseen text would lose its last byte. The same texts always give the
    same vocabulary; fewer entries come out only when the texts have no pair left that occurs twice.

    Raises:
        ValueError: ``vocab_size`` has no room for the 512 byte symbols and the two special tokens.
    """
    symbols = list(byte_symbols().values())
    fixed = [*symbols, *(symbol + END_OF_WORD for symbol in symbols)]
    smallest = len(fixed) + 2
    if vocab_size < smallest:
        raise ValueError(f"A byte-pair vocabulary has at least {smallest} entries; {vocab_size} asked for.")
    merges = _learn_merges(texts, fixed, vocab_size - 2)
    return Tokenizer(Vocabulary.from_merges(merges, special=(BOS, EOS)))


def english_text() -> list[str]:
    """Ordinary English that every Python carries, for words that the captions lack.

    The documentation topics of :mod:`pydoc_data` (about 460 000 characters of prose; they differ a little from one
    Python version to the next) and the names of Unicode's pictographs ("palm tree", "cat face with smiling eyes").
    """
    from pydoc_data import topics  # half a megabyte that only training needs

    prose = [NOT_PROSE.sub(" ", topics.topics[name]) for name in sorted(topics.topics)]
    names = [unicodedata.name(chr(c), "") for first, last in PICTURE_BLOCKS for c in range(first, last)]
    return prose + [name for name in names if name] * PICTURE_WEIGHT


def _learn_merges(texts: Iterable[str], fixed: list[str], entries: int) -> list[Merge]:
    backend = Backend(models.BPE(end_of_word_suffix=END_OF_WORD))
    backend.normalizer = normalizer()
    backend.pre_tokenizer = word_splitter()
    trainer = trainers.BpeTrainer(
        vocab_size=entries,
        min_frequency=2,
        special_tokens=fixed,  # given first, so ties between pairs are broken by a fixed order
        end_of_word_suffix=END_OF_WORD,
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    return [(a, b) for a, b in json.loads(backend.to_str())["model"]["merges"]]
