"""The vocabulary's numbering, its checks, and the search for OpenAI's list."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pytest
from tokenizers.pre_tokenizers import ByteLevel

from garasu.prompts.vocabulary import (
    CLIP_MERGES,
    TokenizerError,
    Vocabulary,
    byte_symbols,
    find_vocabulary,
    parse_merge,
    read_clip_merges,
)


def test_byte_symbols_are_those_of_the_library() -> None:
    """The library knows the 256 characters; which byte each stands for is asked of its encoder, byte by byte."""
    symbols = byte_symbols()
    assert sorted(symbols) == list(range(256))
    assert set(symbols.values()) == set(ByteLevel.alphabet())
    splitter = ByteLevel(add_prefix_space=False, use_regex=False)
    for character in map(chr, [*range(1, 128), 0xE9, 0x3042, 0x1F408]):
        [(seen, _)] = splitter.pre_tokenize_str(character)
        assert seen == "".join(symbols[byte] for byte in character.encode())


def test_numbering_is_bytes_then_word_ends_then_merges_then_special() -> None:
    ids = Vocabulary.from_merges([("c", "a"), ("ca", "t</w>")]).ids
    assert len(ids) == 256 + 256 + 2 + 2
    assert (ids["!"], ids["!</w>"], ids["ca"], ids["cat</w>"]) == (0, 256, 512, 513)
    assert (ids["<|startoftext|>"], ids["<|endoftext|>"]) == (514, 515)


def test_an_entry_that_two_merges_build_is_counted_once() -> None:
    vocabulary = Vocabulary.from_merges([("a", "b"), ("b", "c"), ("ab", "c"), ("a", "bc")])
    assert (vocabulary.ids["abc"], vocabulary.ids["<|startoftext|>"]) == (514, 515)
    vocabulary.check()


def test_merges_of_another_vocabulary_are_refused() -> None:
    good = Vocabulary.from_merges([("c", "a")])
    with pytest.raises(TokenizerError, match="do not belong together"):
        Vocabulary(good.ids, (("d", "o"),)).check()


def test_two_entries_with_one_id_are_refused() -> None:
    good = Vocabulary.from_merges([])
    with pytest.raises(TokenizerError, match="share an id"):
        Vocabulary(good.ids | {"!": 5}, ()).check()


@pytest.mark.parametrize("line", ["", "a", "a ", " b", "a b c", "a  b"])
def test_a_line_that_is_no_merge_is_refused(line: str) -> None:
    with pytest.raises(TokenizerError, match="merge of two symbols"):
        parse_merge(line)


def test_reading_takes_clips_share_of_the_list(tmp_path: Path) -> None:
    path = tmp_path / "bpe.txt.gz"
    path.write_bytes(gzip.compress("\n".join(["version", *(f"a{i} b" for i in range(CLIP_MERGES + 9))]).encode()))
    merges = read_clip_merges(path)
    assert (len(merges), merges[0], merges[-1]) == (48894, ("a0", "b"), ("a48893", "b"))


@pytest.mark.parametrize(
    "content",
    [b"", b"not gzip", gzip.compress(b"\xff\xfe"), gzip.compress(b"version\na b\n"), gzip.compress(b"v\na b")[:-9]],
    ids=["empty", "not gzip", "not text", "too short", "truncated"],
)
def test_a_file_that_is_not_the_list_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bpe.txt.gz"
    path.write_bytes(content)
    with pytest.raises(TokenizerError, match="fetch it again"):
        read_clip_merges(path)


def test_a_damaged_byte_is_refused(tmp_path: Path) -> None:
    good = gzip.compress("\n".join(["version", *(f"a{i} b" for i in range(CLIP_MERGES))]).encode())
    path = tmp_path / "bpe.txt.gz"
    path.write_bytes(good[:500] + bytes([good[500] ^ 0xFF]) + good[501:])
    with pytest.raises(TokenizerError, match="fetch it again"):
        read_clip_merges(path)


def test_the_list_is_found_without_importing_open_clip() -> None:
    before = set(sys.modules)
    path = find_vocabulary()
    if path is None:
        pytest.skip("open_clip_torch is not installed")
    assert "open_clip" not in set(sys.modules) - before
    assert len(read_clip_merges(path)) == 48894


def test_nothing_is_found_without_open_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert find_vocabulary() is None
