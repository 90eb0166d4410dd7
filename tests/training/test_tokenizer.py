"""A vocabulary of one's own: complete, deterministic, and the same in transformers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.prompts.strings import LONG, MAKERS, random_strings
from transformers import CLIPTokenizer

from garasu.prompts.tokenizer import Tokenizer, normalizer
from garasu.prompts.vocabulary import byte_symbols
from garasu.training.tokenizer import english_text, train_tokenizer

CAPTIONS = ["a black cat with yellow eyes", "gray kitten, tabby, watercolor", "An orange dog in the snow"] * 100
FINGERPRINT = """
import hashlib
from garasu.training.tokenizer import english_text, train_tokenizer
merges = train_tokenizer(english_text(), 3000).vocabulary.merges
print(hashlib.sha256(repr(merges).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def trained() -> Tokenizer:
    return train_tokenizer([*CAPTIONS, *english_text()], 2048)


@pytest.fixture(scope="module")
def peer(trained: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> CLIPTokenizer:
    folder = tmp_path_factory.mktemp("trained")
    trained.save(folder)
    return CLIPTokenizer.from_pretrained(folder)


def written(tokenizer: Tokenizer, ids: tuple[int, ...]) -> bytes:
    """The bytes that ids stand for, word ends left out."""
    entries = {id: entry for entry, id in tokenizer.vocabulary.ids.items()}
    byte = {symbol: value for value, symbol in byte_symbols().items()}
    return b"".join(bytes(byte[c] for c in entries[id].removesuffix("</w>")) for id in ids)


def test_the_numbering_is_clips(trained: Tokenizer) -> None:
    assert trained.vocab_size == 2048
    assert (trained.bos_id, trained.eos_id, trained.pad_id) == (2046, 2047, 2047)
    assert sorted(trained.vocabulary.ids.values()) == list(range(2048))
    symbols = list(byte_symbols().values())
    assert list(trained.vocabulary.ids)[:512] == symbols + [symbol + "</w>" for symbol in symbols]


def test_caption_words_are_whole(trained: Tokenizer) -> None:
    pieces = trained.tokens("a black cat with yellow eyes").pieces
    assert pieces == ("a</w>", "black</w>", "cat</w>", "with</w>", "yellow</w>", "eyes</w>")


@pytest.mark.parametrize("name", MAKERS)
def test_random_strings_have_transformers_ids(trained: Tokenizer, peer: CLIPTokenizer, name: str) -> None:
    for text in random_strings(name, 300):
        expected = peer(text, padding="max_length", truncation=True, max_length=77)["input_ids"]
        assert list(trained.fit(text).ids) == expected, repr(text)


@pytest.mark.parametrize("name", LONG)
def test_long_text_has_transformers_ids(trained: Tokenizer, peer: CLIPTokenizer, name: str) -> None:
    assert list(trained.tokens(LONG[name]).ids) == peer(LONG[name], add_special_tokens=False)["input_ids"]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(text=st.text(st.characters(categories=["Ll", "Lo", "Nd", "So"]), min_size=1, max_size=30))
def test_no_byte_of_unseen_text_is_lost(text: str) -> None:
    """A vocabulary learned from three letters still writes everything."""
    tokenizer = train_tokenizer(["aab", "aab"], 600)
    normal = normalizer().normalize_str(text)
    assert written(tokenizer, tokenizer.tokens(text).ids) == normal.encode()


def test_every_byte_can_end_a_word() -> None:
    tokenizer = train_tokenizer([], 514)
    ids = tokenizer.vocabulary.ids
    assert tokenizer.vocabulary.merges == ()
    assert all(symbol in ids and symbol + "</w>" in ids for symbol in byte_symbols().values())


def test_fewer_entries_when_the_texts_have_no_more() -> None:
    assert train_tokenizer(["cat"] * 3, 1000).vocab_size == 514 + 2  # c+a or a+t, then the other
    assert train_tokenizer(["cat"], 1000).vocab_size == 514  # no pair occurs twice


def test_texts_may_come_one_by_one(trained: Tokenizer) -> None:
    again = train_tokenizer((text for text in [*CAPTIONS, *english_text()]), 2048)
    assert again.vocabulary == trained.vocabulary


def test_the_same_texts_give_the_same_vocabulary_in_every_process() -> None:
    runs = {
        subprocess.run(
            [sys.executable, "-c", FINGERPRINT],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed, "RAYON_NUM_THREADS": threads},
        ).stdout
        for seed, threads in (("1", "1"), ("2", "2"), ("3", "4"))
    }
    assert len(runs) == 1


def test_too_small_a_vocabulary_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 514"):
        train_tokenizer(CAPTIONS, 513)


def test_english_text_is_ordinary_english() -> None:
    words = " ".join(english_text()).lower().split()
    assert len(words) > 50_000
    assert {"the", "and", "with", "which", "cat", "tree", "crown", "snow"} <= set(words)


def test_a_saved_vocabulary_is_read_back(trained: Tokenizer, tmp_path: Path) -> None:
    trained.save(tmp_path)
    again = Tokenizer.from_folder(tmp_path)
    assert again.vocabulary == trained.vocabulary
    assert again.fit("a black cat") == trained.fit("a black cat")
