"""Text to token ids, and back to the places in the text they came from.

The rules are CLIP's: NFC, white space to one space, lower case; words, single digits and runs of signs apart; bytes;
merges. They follow the ``CLIPTokenizer`` of transformers 5, id for id. OpenAI's original also repairs broken encodings
(ftfy) and HTML entities first; transformers does not, so neither do we.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tokenizers import AddedToken, Regex, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Backend

from garasu.prompts.files import read_files, read_folder, write_folder
from garasu.prompts.vocabulary import (
    CLIP_SPECIAL,
    CONTEXT_LENGTH,
    END_OF_WORD,
    EOS,
    SpecialTokens,
    TokenizerError,
    Vocabulary,
    read_clip_merges,
)

WORDS = r"""<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""


@dataclass(frozen=True)
class Tokens:
    """A text's tokens, without the two that frame it. ``spans[i]`` are the characters that token i stands for.

    ``words[i]`` counts the words up to the one that token i is of: pieces of one word share it.
    """

    ids: tuple[int, ...]
    pieces: tuple[str, ...]  # vocabulary entries: "cat</w>"; bytes beyond ASCII show as their byte symbols
    spans: tuple[tuple[int, int], ...]
    words: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class FittedTokens:
    """A text in exactly as many ids as the text encoder reads: start, the text's tokens, end, padding."""

    ids: tuple[int, ...]
    pieces: tuple[str, ...]  # of the text's tokens that fit; pieces[i] is at position i + 1
    cut: str  # the end of the text that did not fit, as written; "" when all of it fits
    lost: int  # how many tokens that is


class Tokenizer:
    """CLIP's byte-pair tokenizer.

    Args:
        vocabulary: entries and merges.
        special: the tokens with a role.
        added: further tokens that a checkpoint has learned (textual inversion), by id.

    Raises:
        TokenizerError: merges that do not match the entries, or an added token whose id is not the next free one.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        special: SpecialTokens = CLIP_SPECIAL,
        added: Sequence[tuple[int, AddedToken]] = (),
    ) -> None:
        vocabulary.check()
        self.vocabulary = vocabulary
        self.special = special
        self.added = tuple(sorted(added, key=lambda pair: pair[0]))
        self._backend = _backend(vocabulary, special, self.added)
        self.bos_id = self._id(special.bos)
        self.eos_id = self._id(special.eos)
        self.pad_id = self._id(special.pad)

    @classmethod
    def from_bpe(cls, path: str | Path) -> Tokenizer:
        """CLIP's tokenizer from OpenAI's ``bpe_simple_vocab_16e6.txt.gz``: 49 408 entries, padded with end-of-text."""
        return cls(Vocabulary.from_merges(read_clip_merges(path)))

    @classmethod
    def from_files(cls, vocabulary: str | Path, merges: str | Path, pad: str = EOS) -> Tokenizer:
        """From ``vocab.json`` and ``merges.txt``, padded with the token ``pad``.

        Raises:
            TokenizerError: a file is missing, damaged, or does not belong to the other.
        """
        special = replace(CLIP_SPECIAL, pad=AddedToken(pad, special=True))
        return cls(read_files(Path(vocabulary), Path(merges)), special)

    @classmethod
    def from_folder(cls, folder: str | Path) -> Tokenizer:
        """From a checkpoint's ``tokenizer/`` folder: ``vocab.json`` and ``merges.txt``, or ``tokenizer.json``.

        Roles and padding come from ``tokenizer_config.json`` and ``special_tokens_map.json``, if they are there.

        Raises:
            TokenizerError: the folder holds no CLIP tokenizer, or a damaged one.
        """
        return cls(*read_folder(Path(folder)))

    def save(self, folder: str | Path) -> None:
        """Write ``vocab.json``, ``merges.txt`` and the two configuration files that transformers and diffusers read."""
        added = sorted(self._backend.get_added_tokens_decoder().items())
        write_folder(Path(folder), self.vocabulary, self.special, tuple(added))

    @property
    def vocab_size(self) -> int:
        """Entries in all, added tokens included: the rows that the text encoder's embedding must have."""
        return self._backend.get_vocab_size(with_added_tokens=True)

    def tokens(self, text: str) -> Tokens:
        """The tokens of a text of any length.

        Raises:
            TokenizerError: the text holds half of a surrogate pair, which no encoding can express.
        """
        _check_text(text)
        encoding = self._backend.encode(text, add_special_tokens=False)
        words = tuple(-1 if word is None else word for word in encoding.word_ids)
        return Tokens(tuple(encoding.ids), tuple(encoding.tokens), tuple(encoding.offsets), words)

    def fit(self, text: str, length: int = CONTEXT_LENGTH) -> FittedTokens:
        """The text in ``length`` ids: start, at most ``length - 2`` tokens, end, padding.

        Raises:
            TokenizerError: as :meth:`tokens`.
            ValueError: ``length`` leaves no room for start and end.
        """
        if length < 2:
            raise ValueError(f"{length} ids cannot hold start and end of text; ask for 2 or more.")
        tokens, room = self.tokens(text), length - 2
        framed = [self.bos_id, *tokens.ids[:room], self.eos_id]
        padding = [self.pad_id] * (length - len(framed))
        lost = max(0, len(tokens) - room)
        cut = text[tokens.spans[room][0] :] if lost else ""
        return FittedTokens((*framed, *padding), tokens.pieces[:room], cut, lost)

    def _id(self, token: AddedToken) -> int:
        id = self._backend.token_to_id(token.content)
        assert id is not None  # every special token was added
        return id


def normalizer() -> normalizers.Normalizer:
    """Composed characters, white space as one space, lower case."""
    return normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])


def word_splitter() -> pre_tokenizers.PreTokenizer:
    """Words, single digits and runs of signs apart, each as byte symbols."""
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )


def _backend(vocabulary: Vocabulary, special: SpecialTokens, added: Sequence[tuple[int, AddedToken]]) -> Backend:
    """The pipeline in the order in which text passes it."""
    backend = Backend(
        models.BPE(
            vocab=vocabulary.ids,
            merges=list(vocabulary.merges),
            end_of_word_suffix=END_OF_WORD,
            unk_token=special.unk.content,
        )
    )
    backend.normalizer = normalizer()
    backend.pre_tokenizer = word_splitter()
    for id, token in added:
        backend.add_tokens([token])
        if backend.token_to_id(token.content) != id:
            raise TokenizerError(
                f"The added token {token.content!r} says id {id} where {backend.token_to_id(token.content)} is next; "
                "number the added tokens after the vocabulary without gaps."
            )
    backend.add_special_tokens(list(special.by_role().values()))
    return backend


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TokenizerError(
            f"Character {error.start + 1} of the text is half of a surrogate pair (broken UTF-8); remove it."
        ) from error
