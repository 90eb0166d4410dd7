"""Tokenizer folders as the hubs ship them, made from one vocabulary."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from garasu.prompts.tokenizer import Tokenizer


def token(content: str, normalized: bool) -> dict[str, Any]:
    return {"content": content, "lstrip": False, "normalized": normalized, "rstrip": False, "single_word": False}


def roles(pad: Any = "<|endoftext|>", normalized: bool = True) -> dict[str, Any]:
    bos, eos = token("<|startoftext|>", normalized), token("<|endoftext|>", normalized)
    return {"bos_token": bos, "eos_token": eos, "unk_token": eos, "pad_token": pad}


def typed(named: dict[str, Any]) -> dict[str, Any]:
    """As tokenizer_config.json wrote them before transformers 4.34."""
    return {k: {"__type": "AddedToken"} | v if isinstance(v, dict) else v for k, v in named.items()}


def write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def bare(tokenizer: Tokenizer, folder: Path) -> None:
    """The two vocabulary files and nothing else."""
    tokenizer.save(folder)
    (folder / "tokenizer_config.json").unlink()
    (folder / "special_tokens_map.json").unlink()


def sd1(tokenizer: Tokenizer, folder: Path) -> None:
    bare(tokenizer, folder)
    write(folder / "special_tokens_map.json", roles())
    config = {"model_max_length": 77, "tokenizer_class": "CLIPTokenizer", "do_lower_case": True, "errors": "replace"}
    write(folder / "tokenizer_config.json", config | typed(roles()))


def sd2(tokenizer: Tokenizer, folder: Path) -> None:
    """Pads with "!"; the older configuration beside it still says end-of-text."""
    sd1(tokenizer, folder)
    write(folder / "special_tokens_map.json", roles(pad="!"))


def sd2_decoder(tokenizer: Tokenizer, folder: Path) -> None:
    """The same, saved again by a newer transformers."""
    bare(tokenizer, folder)
    ids = {i: t for t, i in tokenizer.vocabulary.ids.items()}
    decoder = {
        "0": token("!", False) | {"special": True},
        str(tokenizer.bos_id): token(ids[tokenizer.bos_id], True) | {"special": True},
        str(tokenizer.eos_id): token(ids[tokenizer.eos_id], True) | {"special": True},
    }
    named = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    write(folder / "special_tokens_map.json", roles())  # ignored: the decoder says it all
    write(folder / "tokenizer_config.json", named | {"pad_token": "!", "added_tokens_decoder": decoder})


def learned(tokenizer: Tokenizer, folder: Path) -> None:
    """With two tokens from textual inversion, in the older form."""
    sd1(tokenizer, folder)
    write(folder / "added_tokens.json", {"<bozuman>": tokenizer.vocab_size, "<Toy>": tokenizer.vocab_size + 1})


def learned_decoder(tokenizer: Tokenizer, folder: Path) -> None:
    sd2_decoder(tokenizer, folder)
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text())
    config["added_tokens_decoder"][str(tokenizer.vocab_size)] = token("<bozuman>", False) | {"special": False}
    write(path, config)


def whole(tokenizer: Tokenizer, folder: Path) -> None:
    """Only tokenizer.json, with the merges as pairs and the special tokens in it."""
    folder.mkdir(parents=True)
    model = {
        "type": "BPE",
        "vocab": tokenizer.vocabulary.ids,
        "merges": [list(pair) for pair in tokenizer.vocabulary.merges],
        "end_of_word_suffix": "</w>",
        "continuing_subword_prefix": "",
        "unk_token": "<|endoftext|>",
        "fuse_unk": False,
    }
    added = [
        token("<|startoftext|>", True) | {"id": tokenizer.bos_id, "special": True},
        token("<|endoftext|>", False) | {"id": tokenizer.eos_id, "special": True},
    ]
    parts = {"normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None}
    padding = {"truncation": None, "padding": None}
    write(folder / "tokenizer.json", {"version": "1.0", "added_tokens": added, "model": model} | parts | padding)


def whole_old(tokenizer: Tokenizer, folder: Path) -> None:
    """tokenizer.json with the merges as lines, and configuration files beside it."""
    sd2(tokenizer, folder)
    (folder / "vocab.json").unlink()
    (folder / "merges.txt").unlink()
    whole(tokenizer, folder / "sub")
    value = json.loads((folder / "sub" / "tokenizer.json").read_text())
    value["model"]["merges"] = [" ".join(pair) for pair in value["model"]["merges"]]
    write(folder / "tokenizer.json", value)


FOLDERS: dict[str, Callable[[Tokenizer, Path], None]] = {
    f.__name__: f for f in (bare, sd1, sd2, sd2_decoder, learned, learned_decoder, whole, whole_old)
}
