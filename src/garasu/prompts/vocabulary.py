"""CLIP's vocabulary: byte symbols, the merges that join them, and where a copy of OpenAI's list may lie.

Radford et al. 2021, §2.4; the byte alphabet and the merge list are those of GPT-2 (Radford et al. 2019, §2.2), with
the mark ``</w>`` on the last symbol of a word (Sennrich et al. 2016).
"""

from __future__ import annotations

import gzip
import importlib.util
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import AddedToken

END_OF_WORD = "</w>"
BOS = "<|startoftext|>"
EOS = "<|endoftext|>"
CLIP_MERGES = 49152 - 256 - 2  # 48 894: with 512 byte symbols and two special tokens, 49 408 entries
CONTEXT_LENGTH = 77  # positions of every CLIP text encoder

Merge = tuple[str, str]


class TokenizerError(ValueError):
    """A vocabulary that cannot be used, or text that has no tokens; the message names the fix."""


@dataclass(frozen=True)
class SpecialTokens:
    """The tokens with a role. A prompt that spells one out gets its id, as in transformers."""

    bos: AddedToken
    eos: AddedToken
    unk: AddedToken
    pad: AddedToken  # end-of-text in SD 1.x; "!", id 0, in SD 2.x

    def by_role(self) -> dict[str, AddedToken]:
        """Under transformers' names, in the order of adding: where two share a spelling, the first one's flags hold."""
        return {"bos_token": self.bos, "eos_token": self.eos, "unk_token": self.unk, "pad_token": self.pad}


CLIP_SPECIAL = SpecialTokens(
    bos=AddedToken(BOS, special=True),
    eos=AddedToken(EOS, special=True),
    unk=AddedToken(EOS, special=True),
    pad=AddedToken(EOS, special=True),
)


@dataclass(frozen=True)
class Vocabulary:
    """The entries with their ids, and the merges in the order in which they are tried."""

    ids: dict[str, int]
    merges: tuple[Merge, ...]

    @classmethod
    def from_merges(cls, merges: Iterable[Merge], special: Sequence[str] = (BOS, EOS)) -> Vocabulary:
        """CLIP's numbering: 256 bytes, 256 bytes that end a word, one entry a merge, the special tokens last."""
        kept = tuple(merges)
        symbols = list(byte_symbols().values())
        entries = [*symbols, *(symbol + END_OF_WORD for symbol in symbols), *(a + b for a, b in kept), *special]
        distinct = dict.fromkeys(entries)  # two merges may build the same entry
        return cls({entry: i for i, entry in enumerate(distinct)}, kept)

    def check(self) -> None:
        """Every merge joins two entries into an entry, and no two entries share an id.

        Raises:
            TokenizerError: otherwise.
        """
        for a, b in self.merges:
            if a not in self.ids or b not in self.ids or a + b not in self.ids:
                raise TokenizerError(
                    f"The merge {a!r} {b!r} is not in the vocabulary: vocab.json and merges.txt do not belong together."
                )
        if len(set(self.ids.values())) != len(self.ids):
            raise TokenizerError("Two entries of the vocabulary share an id; take the tokenizer's original files.")


def byte_symbols() -> dict[int, str]:
    """A visible character for each of the 256 bytes, in the order of CLIP's ids.

    Printable Latin-1 bytes stand for themselves and come first; the other 68 take the characters from U+0100 on.
    """
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {byte: chr(byte) for byte in visible} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}


def read_clip_merges(path: str | Path) -> tuple[Merge, ...]:
    """OpenAI's merges from ``bpe_simple_vocab_16e6.txt.gz``.

    The file holds 262 144 merges below a version line; CLIP uses the first 48 894, which makes 49 408 entries.

    Raises:
        TokenizerError: the file is not that list.
    """
    try:
        lines = gzip.decompress(Path(path).read_bytes()).decode("utf-8").splitlines()
    except (gzip.BadGzipFile, zlib.error, EOFError, UnicodeDecodeError) as error:
        raise TokenizerError(f"{path} is not CLIP's bpe_simple_vocab_16e6.txt.gz; fetch it again.") from error
    merges = tuple(parse_merge(line) for line in lines[1 : 1 + CLIP_MERGES])
    if len(merges) != CLIP_MERGES:
        raise TokenizerError(f"{path} holds {len(merges)} merges where CLIP has {CLIP_MERGES}; fetch it again.")
    return merges


def parse_merge(line: str) -> Merge:
    """``"i n"`` → ``("i", "n")``.

    Raises:
        TokenizerError: the line is not two symbols.
    """
    parts = line.split(" ")
    if len(parts) != 2 or not all(parts):
        raise TokenizerError(f"{line!r} is not a merge of two symbols; take the tokenizer's original files.")
    return parts[0], parts[1]


def find_vocabulary() -> Path | None:
    """OpenAI's merge list inside an installed ``open_clip_torch``, or None.

    The package is located but not imported: importing it needs torchvision.
    """
    spec = importlib.util.find_spec("open_clip")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "bpe_simple_vocab_16e6.txt.gz"
        if path.is_file():
            return path
    return None
