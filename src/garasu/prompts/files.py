"""A tokenizer's files, as transformers writes and reads them: whatever it makes of a folder, we make of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from tokenizers import AddedToken

from garasu.prompts.vocabulary import (
    CLIP_SPECIAL,
    CONTEXT_LENGTH,
    END_OF_WORD,
    SpecialTokens,
    TokenizerError,
    Vocabulary,
    parse_merge,
)

Added = tuple[tuple[int, AddedToken], ...]
Content = TypeVar("Content")
FLAGS = ("lstrip", "normalized", "rstrip", "single_word")


class TokenEntry(BaseModel):
    """A token matched before the merges; ``normalized``: in the lower-case text, not in the text as written."""

    content: str
    lstrip: bool = False
    normalized: bool = False
    rstrip: bool = False
    single_word: bool = False
    special: bool = True

    def token(self) -> AddedToken:
        """As the tokenizers library has it."""
        return AddedToken(**self.model_dump())


class NumberedEntry(TokenEntry):
    """As in tokenizer.json."""

    id: int

    def token(self) -> AddedToken:
        """As the tokenizers library has it, which numbers tokens by their order."""
        return AddedToken(**self.model_dump(exclude={"id"}))


class Roles(BaseModel):
    """special_tokens_map.json."""

    bos_token: str | TokenEntry | None = None
    eos_token: str | TokenEntry | None = None
    unk_token: str | TokenEntry | None = None
    pad_token: str | TokenEntry | None = None


class Config(Roles):
    """tokenizer_config.json."""

    added_tokens_decoder: dict[int, TokenEntry] | None = None


class BytePairs(BaseModel):
    """The model in tokenizer.json."""

    vocab: dict[str, int]
    merges: list[str | tuple[str, str]]
    end_of_word_suffix: str | None = None


class Whole(BaseModel):
    """tokenizer.json; its normaliser and splitter are not read, as transformers does not read them for CLIP."""

    model: BytePairs
    added_tokens: list[NumberedEntry] = []


def read_folder(folder: Path) -> tuple[Vocabulary, SpecialTokens, Added]:
    """A ``tokenizer/`` folder: ``tokenizer.json`` if it has one, else ``vocab.json`` and ``merges.txt``.

    Raises:
        TokenizerError: neither is there, or a file is damaged or of another kind of tokenizer.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        return read_files(folder / "vocab.json", folder / "merges.txt"), *_roles_and_added(folder, ())
    whole = _read(path, Whole)
    if whole.model.end_of_word_suffix != END_OF_WORD:
        raise TokenizerError(f"{path} is not a CLIP tokenizer (byte pairs with {END_OF_WORD}); take CLIP's own files.")
    merges = tuple(parse_merge(pair) if isinstance(pair, str) else pair for pair in whole.model.merges)
    added = tuple((entry.id, entry.token()) for entry in whole.added_tokens)
    return Vocabulary(whole.model.vocab, merges), *_roles_and_added(folder, added)


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
    try:
        lines = merges.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise TokenizerError(f"{merges} is not UTF-8 text; take the tokenizer's original files.") from error
    kept = (line for line in lines if line.strip() and not line.startswith("#version"))
    return Vocabulary(_read(vocabulary, dict[str, int]), tuple(parse_merge(line) for line in kept))


def write_folder(folder: Path, vocabulary: Vocabulary, special: SpecialTokens, added: Added) -> None:
    """The four files from which every CLIPTokenizer of transformers, old or new, makes the same ids.

    ``added`` holds all tokens that are matched before the merges, those with a role included.
    """
    folder.mkdir(parents=True, exist_ok=True)
    merges = ["#version: 0.2", *(f"{a} {b}" for a, b in vocabulary.merges)]
    (folder / "merges.txt").write_text("\n".join(merges) + "\n", encoding="utf-8", newline="\n")
    _write_json(folder / "vocab.json", vocabulary.ids)
    roles = special.by_role()
    _write_json(folder / "special_tokens_map.json", {role: _flags(token) for role, token in roles.items()})
    config: dict[str, Any] = {role: token.content for role, token in roles.items()}
    config |= {"tokenizer_class": "CLIPTokenizer", "model_max_length": CONTEXT_LENGTH, "do_lower_case": True}
    config["added_tokens_decoder"] = {str(id): _flags(token) | {"special": token.special} for id, token in added}
    _write_json(folder / "tokenizer_config.json", config)


def _roles_and_added(folder: Path, added: Added) -> tuple[SpecialTokens, Added]:
    """Which token has which role, and which are matched before the merges, with transformers' precedence.

    ``added`` are the tokens that tokenizer.json lists.
    """
    config = _read(folder / "tokenizer_config.json", Config, missing=Config())
    roles: Roles = config
    if config.added_tokens_decoder is not None:  # the newest form says it all
        tokens = {id: entry.token() for id, entry in config.added_tokens_decoder.items()}
    else:
        later = _read(folder / "special_tokens_map.json", Roles, missing=Roles())
        roles = config.model_copy(update={role: getattr(later, role) for role in later.model_fields_set})
        learned = _read(folder / "added_tokens.json", dict[str, int], missing={})
        tokens = {id: AddedToken(content) for content, id in learned.items()} | dict(added)
    flagged = {token.content: token for token in tokens.values()}
    return _special(roles, flagged), tuple(sorted(tokens.items(), key=lambda pair: pair[0]))


def _special(roles: Roles, flagged: Mapping[str, AddedToken]) -> SpecialTokens:
    """The tokens with a role: with the flags under which they were added, else with their own."""
    chosen: dict[str, AddedToken] = {}
    for role, default in CLIP_SPECIAL.by_role().items():
        named = getattr(roles, role) or default.content
        token = named.token() if isinstance(named, TokenEntry) else AddedToken(named, special=True)
        chosen[role.removesuffix("_token")] = flagged.get(token.content, token)
    return SpecialTokens(**chosen)


def _flags(token: AddedToken) -> dict[str, str | bool]:
    return {"content": token.content} | {flag: getattr(token, flag) for flag in FLAGS}


def _read(path: Path, kind: type[Content], missing: Content | None = None) -> Content:
    """A JSON file of one kind; ``missing`` in its place if there is no such file."""
    if missing is not None and not path.is_file():
        return missing
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise TokenizerError(
            f"{path} cannot be used: {place}: {first['msg']}; take the tokenizer's original files."
        ) from error


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8", newline="\n")
