"""The tokenizer of a checkpoint: its own, or CLIP's from wherever a copy lies."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tokenizers import AddedToken

from garasu.checkpoints import hub
from garasu.checkpoints.errors import CheckpointError
from garasu.prompts.tokenizer import Tokenizer
from garasu.prompts.vocabulary import CLIP_SPECIAL, EOS, Vocabulary, find_vocabulary, read_clip_merges

CLIP_SIZE = 49408
CLIP_REPOSITORY = "openai/clip-vit-large-patch14"
SD2_PAD = "!"  # OpenCLIP pads with token 0, which is "!"


def tokenizer(own: Path | Mapping[str, str] | None, *, vocab_size: int, openclip: bool) -> Tokenizer:
    """The tokenizer for a text encoder of ``vocab_size`` rows.

    Args:
        own: the checkpoint's tokenizer/ folder, or such a folder's files as texts; None: it has none, so it is CLIP's.
        openclip: whether CLIP's vocabulary is to pad like Stable Diffusion 2.x.

    Raises:
        CheckpointError: it has none and is not CLIP's, no copy of CLIP's can be found, or it has too many entries.
    """
    found = _own(own) if own is not None else _clip(vocab_size, SD2_PAD if openclip else EOS)
    if found.vocab_size > vocab_size:
        raise CheckpointError(
            f"The tokenizer has {found.vocab_size} entries, but the text encoder has rows for {vocab_size}: "
            "they do not belong together."
        )
    return found


def texts(tokenizer: Tokenizer) -> dict[str, str]:
    """The files of a tokenizer/ folder, by name."""
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save(folder)
        return {path.name: path.read_text(encoding="utf-8") for path in sorted(Path(folder).iterdir())}


def _own(own: Path | Mapping[str, str]) -> Tokenizer:
    if isinstance(own, Path):
        return Tokenizer.from_folder(own)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in own.items():
            (Path(folder) / Path(name).name).write_text(text, encoding="utf-8")
        return Tokenizer.from_folder(folder)


def _clip(vocab_size: int, pad: str) -> Tokenizer:
    if vocab_size < CLIP_SIZE:
        raise CheckpointError(
            f"The text encoder has {vocab_size} entries, so its vocabulary is not CLIP's ({CLIP_SIZE}), and the "
            "checkpoint brings none: load the folder it came from, with its tokenizer/."
        )
    if merges := find_vocabulary():
        special = replace(CLIP_SPECIAL, pad=AddedToken(pad, special=True))
        return Tokenizer(Vocabulary.from_merges(read_clip_merges(merges)), special)
    folder = hub.fetch(
        CLIP_REPOSITORY,
        ["vocab.json", "merges.txt"],
        hint="pip install open_clip_torch, which brings CLIP's vocabulary, or load a folder with a tokenizer/",
    )
    return Tokenizer.from_files(folder / "vocab.json", folder / "merges.txt", pad=pad)
