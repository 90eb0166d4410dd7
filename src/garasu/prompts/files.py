"""A tokenizer's files, as transformers writes and reads them: whatever it makes of a folder, we make of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tokenizers import AddedToken

from garasu.prompts.vocabulary import (
    CLIP_SPECIAL,
    CONTEXT_LENGTH,
    END_OF_WORD,
    Merge,
    SpecialTokens,
    TokenizerError,
    Vocabulary,
    parse_merge,
)

Added = tuple[tuple[int, AddedToken], ...]
ROLES = ("bos", "eos", "unk", "pad")
FLAGS = ("lstrip", "normalized", "rstrip", "single_word")


def read_folder(folder: Path) -> tuple[Vocabulary, SpecialTokens, Added]:
    """A ``tokenizer/`` folder: ``tokenizer.json`` if it has one, else ``vocab.json`` and ``merges.txt``.

    Raises:
        TokenizerError: neither is there, or a file is damaged or of another kind of tokenizer.
    """
    whole = _read_json(folder / "tokenizer.json") if (folder / "tokenizer.json").is_file() else {}
    if whole:
        vocabulary = _vocabulary_of(whole, folder / "tokenizer.json")
    else:
        vocabulary = read_files(folder / "vocab.json", folder / "merges.txt")
    return vocabulary, *_roles_and_added(folder, whole)


def read_files(vocabulary: Path, merges: Path) -> Vocabulary:
    """``vocab.json`` (entry → id) and ``merges.txt`` (one merge a line below a version line).

    Raises:
        TokenizerError: a file is missing or damaged.
    """
    missing = [path.name for path in (vocabulary, merges) if not path.is_file()]
    if missing:
        raise TokenizerError(
            f"No tokenizer in {vocabulary.parent}: {' and '.join(missing)} missing; "
            "it needs vocab.json with merges.txt, or tokenizer.json."
        )
    lines = _read_text(merges).split("\n")
    kept = [line for line in lines if line.strip() and not line.startswith("#version")]
    return Vocabulary(_ids(_read_json(vocabulary), vocabulary), tuple(parse_merge(line.rstrip("\r")) for line in kept))


def write_folder(folder: Path, vocabulary: Vocabulary, special: SpecialTokens, added: Added) -> None:
    """The four files from which every CLIPTokenizer of transformers, old or new, makes the same ids.

    ``added`` holds all tokens that are matched before the merges, those with a role included.
    """
    folder.mkdir(parents=True, exist_ok=True)
    merges = ["#version: 0.2", *(f"{a} {b}" for a, b in vocabulary.merges)]
    (folder / "merges.txt").write_text("\n".join(merges) + "\n", encoding="utf-8")
    _write_json(folder / "vocab.json", vocabulary.ids)
    roles = special.by_role()
    _write_json(folder / "special_tokens_map.json", {role: _flags(token) for role, token in roles.items()})
    config: dict[str, Any] = {role: token.content for role, token in roles.items()}
    config |= {"tokenizer_class": "CLIPTokenizer", "model_max_length": CONTEXT_LENGTH, "do_lower_case": True}
    config["added_tokens_decoder"] = {str(id): _flags(token) | {"special": token.special} for id, token in added}
    _write_json(folder / "tokenizer_config.json", config)


def _vocabulary_of(whole: Mapping[str, Any], path: Path) -> Vocabulary:
    model = whole.get("model")
    if not isinstance(model, dict) or model.get("end_of_word_suffix") != END_OF_WORD or "merges" not in model:
        raise TokenizerError(f"{path} is not a CLIP tokenizer (byte pairs with {END_OF_WORD}); take CLIP's own files.")
    merges = (parse_merge(pair) if isinstance(pair, str) else _pair(pair) for pair in model["merges"])
    return Vocabulary(_ids(model.get("vocab"), path), tuple(merges))


def _roles_and_added(folder: Path, whole: Mapping[str, Any]) -> tuple[SpecialTokens, Added]:
    """Which token has which role, and which are matched before the merges, with transformers' precedence."""
    config = _read_json(folder / "tokenizer_config.json", missing={})
    if "added_tokens_decoder" in config:  # the newest form says it all
        named: dict[str, Any] = config
        added = {int(id): _token(value) for id, value in config["added_tokens_decoder"].items()}
    else:
        named = config | _read_json(folder / "special_tokens_map.json", missing={})
        learned = _read_json(folder / "added_tokens.json", missing={})
        added = {id: AddedToken(content, special=False) for content, id in learned.items()}
        added |= {token["id"]: _token(token) for token in whole.get("added_tokens", [])}
    flagged = {token.content: token for token in added.values()}
    roles = {role: _token(named[key]) for role in ROLES if named.get(key := f"{role}_token")}
    special = replace(CLIP_SPECIAL, **{role: flagged.get(token.content, token) for role, token in roles.items()})
    return special, tuple(sorted(added.items(), key=lambda pair: pair[0]))


def _token(value: str | Mapping[str, Any]) -> AddedToken:
    if isinstance(value, str):
        return AddedToken(value, special=True)
    special = bool(value.get("special", True))
    flags = {flag: bool(value[flag]) for flag in FLAGS if flag in value}
    return AddedToken(value["content"], special=special, **flags)


def _flags(token: AddedToken) -> dict[str, str | bool]:
    return {"content": token.content} | {flag: getattr(token, flag) for flag in FLAGS}


def _ids(value: Any, path: Path) -> dict[str, int]:
    if not isinstance(value, dict) or not value or not all(isinstance(id, int) for id in value.values()):
        raise TokenizerError(f"{path} holds no table of entries and ids; take the tokenizer's original files.")
    return value


def _pair(value: Any) -> Merge:
    if not isinstance(value, list) or len(value) != 2:
        raise TokenizerError(f"{value!r} is not a merge of two symbols; take the tokenizer's original files.")
    return str(value[0]), str(value[1])


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TokenizerError(f"{path} is not UTF-8 text; take the tokenizer's original files.") from error


def _read_json(path: Path, missing: dict[str, Any] | None = None) -> dict[str, Any]:
    """A file's JSON object; ``missing`` in its place if there is no such file."""
    if missing is not None and not path.is_file():
        return missing
    try:
        value = json.loads(_read_text(path))
    except json.JSONDecodeError as error:
        raise TokenizerError(f"{path} is not JSON ({error}); take the tokenizer's original files.") from error
    if not isinstance(value, dict):
        raise TokenizerError(f"{path} holds no JSON object; take the tokenizer's original files.")
    return value


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
