"""Tokenizer folders of every kind against transformers reading the same folder; damaged ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.prompts.hub_folders import FOLDERS, bare, sd2, whole
from tests.prompts.strings import LONG, MAKERS, random_strings
from transformers import CLIPTokenizer

from garasu.prompts.tokenizer import Tokenizer
from garasu.prompts.vocabulary import TokenizerError
from garasu.training.tokenizer import train_tokenizer

TEXTS = [
    *(text for name in MAKERS for text in random_strings(name, 60)),
    LONG["empty"],
    "hello! wow !! !",
    "<|endoftext|>a<|ENDOFTEXT|>b <|StartOfText|> c",
    "a <bozuman> of <BOZUMAN>, <bozuman>s",
    "<Toy> <toy> my<Toy>",
]


@pytest.fixture(scope="module")
def trained() -> Tokenizer:
    return train_tokenizer(["a black cat with yellow eyes", "kitten and cake, watercolor"] * 9, 600)


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder_means_what_transformers_makes_of_it(trained: Tokenizer, tmp_path: Path, kind: str) -> None:
    FOLDERS[kind](trained, tmp_path / "tokenizer")
    ours, peer = Tokenizer.from_folder(tmp_path / "tokenizer"), CLIPTokenizer.from_pretrained(tmp_path / "tokenizer")
    _agree(ours, peer)


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder_written_again_means_the_same(trained: Tokenizer, tmp_path: Path, kind: str) -> None:
    FOLDERS[kind](trained, tmp_path / "theirs")
    ours = Tokenizer.from_folder(tmp_path / "theirs")
    ours.save(tmp_path / "ours")
    _agree(Tokenizer.from_folder(tmp_path / "ours"), CLIPTokenizer.from_pretrained(tmp_path / "theirs"))
    _agree(ours, CLIPTokenizer.from_pretrained(tmp_path / "ours"))


def test_padding_of_both_generations(trained: Tokenizer, tmp_path: Path) -> None:
    bare(trained, tmp_path / "1")
    sd2(trained, tmp_path / "2")
    assert Tokenizer.from_folder(tmp_path / "1").pad_id == trained.eos_id
    assert Tokenizer.from_folder(tmp_path / "2").pad_id == 0
    files = tmp_path / "1" / "vocab.json", tmp_path / "1" / "merges.txt"
    assert Tokenizer.from_files(*files).pad_id == trained.eos_id
    assert Tokenizer.from_files(*files, pad="!").pad_id == 0


def test_windows_line_ends_are_read(trained: Tokenizer, tmp_path: Path) -> None:
    bare(trained, tmp_path)
    merges = (tmp_path / "merges.txt").read_bytes()
    (tmp_path / "merges.txt").write_bytes(merges.replace(b"\n", b"\r\n"))
    assert Tokenizer.from_folder(tmp_path).vocabulary == trained.vocabulary


@pytest.mark.parametrize("name", ["vocab.json", "merges.txt"])
def test_a_missing_file_is_named(trained: Tokenizer, tmp_path: Path, name: str) -> None:
    bare(trained, tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(TokenizerError, match=f"{name} missing"):
        Tokenizer.from_folder(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("vocab.json", b"{"),
        ("vocab.json", b"[]"),
        ("vocab.json", b"{}"),
        ("vocab.json", b'{"a": "b"}'),
        ("vocab.json", b"\xff\xfe"),
        ("merges.txt", b"a b c\n"),
        ("merges.txt", b"\xff\xff"),
        ("merges.txt", "犬 猫\n".encode()),
        ("tokenizer_config.json", b"nonsense"),
        ("tokenizer_config.json", b'{"pad_token": 5}'),
        ("tokenizer_config.json", b'{"pad_token": {"text": "!"}}'),
        ("tokenizer_config.json", b'{"added_tokens_decoder": []}'),
        ("tokenizer_config.json", b'{"added_tokens_decoder": {"x": {"content": "y"}}}'),
        ("special_tokens_map.json", b"5"),
        ("added_tokens.json", b'{"<toy>": "last"}'),
        ("added_tokens.json", b'{"<toy>": 99999}'),
        ("tokenizer.json", b'{"model": {"type": "WordPiece", "vocab": {}}}'),
        ("tokenizer.json", b'{"model": 5}'),
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", b'{"model": {"end_of_word_suffix": "</w>", "vocab": {"a": 1}, "merges": [["a"]]}}'),
    ],
)
def test_a_damaged_file_is_one_sentence(trained: Tokenizer, tmp_path: Path, name: str, content: bytes) -> None:
    bare(trained, tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TokenizerError) as caught:
        Tokenizer.from_folder(tmp_path)
    assert str(caught.value).count("\n") == 0


def test_a_tokenizer_of_another_kind_is_refused(trained: Tokenizer, tmp_path: Path) -> None:
    whole(trained, tmp_path / "t")
    path = tmp_path / "t" / "tokenizer.json"
    value = json.loads(path.read_text())
    value["model"]["end_of_word_suffix"] = None  # GPT-2's kind
    path.write_text(json.dumps(value))
    with pytest.raises(TokenizerError, match="not a CLIP tokenizer"):
        Tokenizer.from_folder(tmp_path / "t")


def _agree(ours: Tokenizer, peer: CLIPTokenizer) -> None:
    roles = peer.bos_token_id, peer.eos_token_id, peer.pad_token_id, len(peer)
    assert (ours.bos_id, ours.eos_id, ours.pad_id, ours.vocab_size) == roles
    for text in TEXTS:
        expected = peer(text, padding="max_length", truncation=True, max_length=77)["input_ids"]
        assert list(ours.fit(text).ids) == expected, repr(text)
