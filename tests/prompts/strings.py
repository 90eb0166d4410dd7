"""Strings that tokenizers trip over, from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable

WORDS = ["a", "black", "cat", "with", "yellow", "eyes,", "tabby;", "kitten!", "Masterpiece", "8k", "(best:1.2)", "by"]
CONTRACTIONS = ["don't", "I'll", "WE'RE", "they've", "i'd", "it's", "I'm", "'s", "''s", "don’t", "'LL", "rock'n'roll"]
SPECIALS = ["<|endoftext|>", "<|startoftext|>", "<|ENDOFTEXT|>", "<|StartOfText|>", "<|endoftext", "</w>", "!</w>"]
SPACES = [" ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u200b", "\u2028", "\v", "\f", "\x1c", "\x85", "\ufeff"]
JAPANESE = ["黒い猫", "ネコ", "ﾈｺ", "こねこ、", "が", "が", "東京タワー。", "㍿", "々"]
EMOJI = ["🐈", "🐈‍⬛", "👩🏽‍🚀", "🇯🇵", "❤️", "☺", "1️⃣", "🫠"]
TRICKY = ["é", "é", "İ", "ı", "ß", "ẞ", "ﬁ", "ΑΣ", "Å", "Ω", "ḍ̇", "ａＢ", "½", "²", "Ⅷ", "१२३", "۴"]
CONTROLS = [chr(c) for c in (*range(32), 0x7F, 0x80, 0x9F, 0xAD, 0x202E, 0xFFFD, 0xFFFE, 0xE000)]
FRAGMENTS = [WORDS, CONTRACTIONS, SPECIALS, SPACES, JAPANESE, EMOJI, TRICKY, CONTROLS]

Maker = Callable[[random.Random], str]


def fragments(rng: random.Random) -> str:
    """A mixture of everything above, sometimes with spaces between."""
    glue = rng.choice(["", "", " "])
    return glue.join(rng.choice(rng.choice(FRAGMENTS)) for _ in range(rng.randrange(1, 20)))


def unicode_noise(rng: random.Random) -> str:
    """Any characters but surrogates."""
    return "".join(_character(rng, 0x110000) for _ in range(rng.randrange(1, 30)))


def basic_plane(rng: random.Random) -> str:
    """Characters of the living scripts."""
    return "".join(_character(rng, 0x3400) for _ in range(rng.randrange(1, 30)))


def ascii_noise(rng: random.Random) -> str:
    return "".join(chr(rng.randrange(128)) for _ in range(rng.randrange(1, 60)))


def latin_bytes(rng: random.Random) -> str:
    """Bytes taken for characters: what prompts pasted from broken files look like."""
    return "".join(chr(rng.randrange(256)) for _ in range(rng.randrange(1, 40)))


def digits(rng: random.Random) -> str:
    return "".join(rng.choice("0123456789.,:-/ %x") for _ in range(rng.randrange(1, 40)))


def capitals(rng: random.Random) -> str:
    """Words in odd capitals, run together or apart."""
    words = (
        "".join(rng.choice([c.upper(), c.lower()]) for c in rng.choice(WORDS)) for _ in range(rng.randrange(1, 30))
    )
    return rng.choice(["", " ", "_", "\n"]).join(words)


MAKERS: dict[str, Maker] = {
    f.__name__: f for f in (fragments, unicode_noise, basic_plane, ascii_noise, latin_bytes, digits, capitals)
}

LONG = {  # 100 000 characters each
    "empty": "",
    "one letter": "x" * 100_000,
    "one sign": "!" * 100_000,
    "spaces": " " * 100_000,
    "accents": "é" * 100_000,
    "Japanese": ("黒い猫" * 33_334)[:100_000],
    "emoji": "🐈" * 100_000,
    "words": ("a black cat, " * 7_693)[:100_000],
    "combining": "e" + "\u0301" * 99_999,
    "end of text": ("<|endoftext|>" * 7_693)[:100_000],
}


def random_strings(name: str, count: int) -> list[str]:
    """``count`` strings of one maker; the same every time."""
    rng = random.Random(name)
    return [MAKERS[name](rng) for _ in range(count)]


def _character(rng: random.Random, below: int) -> str:
    code = rng.randrange(below)
    return chr(code) if not 0xD800 <= code < 0xE000 else "?"
