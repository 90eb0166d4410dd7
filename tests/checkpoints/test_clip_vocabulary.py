"""Where a checkpoint's tokenizer comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conftest import MERGES

from garasu.checkpoints import clip_vocabulary, hub
from garasu.checkpoints.clip_vocabulary import texts, tokenizer
from garasu.checkpoints.errors import CheckpointError
from garasu.prompts.tokenizer import Tokenizer
from garasu.prompts.vocabulary import Vocabulary


def test_its_own_folder_and_its_own_texts(tmp_path: Path) -> None:
    own = Tokenizer(Vocabulary.from_merges(MERGES))
    own.save(tmp_path / "tokenizer")
    for source in (tmp_path / "tokenizer", texts(own)):
        found = tokenizer(source, vocab_size=own.vocab_size, openclip=False)
        assert found.fit("a black cat") == own.fit("a black cat")


def test_clips_with_either_padding() -> None:
    first = tokenizer(None, vocab_size=49408, openclip=False)
    second = tokenizer(None, vocab_size=49408, openclip=True)
    assert (first.pad_id, second.pad_id) == (first.eos_id, 0)
    assert first.vocab_size == second.vocab_size == 49408


def test_a_small_vocabulary_must_come_with_the_model() -> None:
    with pytest.raises(CheckpointError, match="not CLIP's"):
        tokenizer(None, vocab_size=600, openclip=False)


def test_more_entries_than_rows() -> None:
    own = Tokenizer(Vocabulary.from_merges(MERGES))
    with pytest.raises(CheckpointError, match="do not belong together"):
        tokenizer(texts(own), vocab_size=own.vocab_size - 1, openclip=False)


def test_a_name_cannot_leave_the_folder_it_is_unpacked_in(tmp_path: Path) -> None:
    own = texts(Tokenizer(Vocabulary.from_merges(MERGES)))
    escape = tmp_path / "escaped.json"
    tokenizer(own | {str(escape): "{}"}, vocab_size=600, openclip=False)
    assert not escape.exists()


def test_without_open_clip_the_hub_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer(None, vocab_size=49408, openclip=False).save(tmp_path)
    monkeypatch.setattr(clip_vocabulary, "find_vocabulary", lambda: None)
    asked = []

    def fetch(repository: str, files: list[str], *, hint: str) -> Path:
        asked.append((repository, files, hint))
        return tmp_path

    monkeypatch.setattr(hub, "fetch", fetch)
    assert tokenizer(None, vocab_size=49408, openclip=True).pad_id == 0
    assert asked[0][:2] == ("openai/clip-vit-large-patch14", ["vocab.json", "merges.txt"])
    assert "open_clip_torch" in asked[0][2]
