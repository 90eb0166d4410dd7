"""Our tokenizer against transformers' CLIPTokenizer, id for id, on CLIP's own vocabulary."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.prompts.strings import LONG, MAKERS, random_strings
from tokenizers import AddedToken
from transformers import CLIPTokenizer

from garasu.prompts.tokenizer import Tokenizer
from garasu.prompts.vocabulary import CLIP_SPECIAL, TokenizerError, Vocabulary, find_vocabulary

STRINGS_PER_MAKER = 1500  # times 7 makers: 10 500 strings


@pytest.fixture(scope="module")
def clip() -> Tokenizer:
    path = find_vocabulary()
    if path is None:
        pytest.skip("CLIP's vocabulary comes with open_clip_torch, which is not installed")
    return Tokenizer.from_bpe(path)


@pytest.fixture(scope="module")
def peer(clip: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> CLIPTokenizer:
    folder = tmp_path_factory.mktemp("clip")
    clip.save(folder)
    return CLIPTokenizer.from_pretrained(folder)


def small() -> Tokenizer:
    """Bytes and two merges: enough for what does not depend on the vocabulary."""
    return Tokenizer(Vocabulary.from_merges([("c", "a"), ("ca", "t</w>")]))


def peer_ids(peer: CLIPTokenizer, text: str) -> list[int]:
    return peer(text, add_special_tokens=False)["input_ids"]


def peer_fit(peer: CLIPTokenizer, text: str, length: int = 77) -> list[int]:
    return peer(text, padding="max_length", truncation=True, max_length=length)["input_ids"]


@pytest.mark.parametrize("name", MAKERS)
def test_random_strings_have_transformers_ids(clip: Tokenizer, peer: CLIPTokenizer, name: str) -> None:
    for text in random_strings(name, STRINGS_PER_MAKER):
        assert list(clip.tokens(text).ids) == peer_ids(peer, text), repr(text)
        assert list(clip.fit(text).ids) == peer_fit(peer, text), repr(text)


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(text=st.text(max_size=200))
def test_any_text_has_transformers_ids(clip: Tokenizer, peer: CLIPTokenizer, text: str) -> None:
    assert list(clip.tokens(text).ids) == peer_ids(peer, text)


@pytest.mark.parametrize("name", LONG)
def test_long_and_empty_text_has_transformers_ids(clip: Tokenizer, peer: CLIPTokenizer, name: str) -> None:
    assert list(clip.tokens(LONG[name]).ids) == peer_ids(peer, LONG[name])
    assert list(clip.fit(LONG[name]).ids) == peer_fit(peer, LONG[name])


def test_clip_has_its_known_numbers(clip: Tokenizer) -> None:
    assert (clip.vocab_size, clip.bos_id, clip.eos_id, clip.pad_id) == (49408, 49406, 49407, 49407)
    # Known from many places in print: the numbering does not rest on our own files alone.
    assert clip.fit("a photo of a cat", 8).ids == (49406, 320, 1125, 539, 320, 2368, 49407, 49407)


def test_pieces_are_vocabulary_entries(clip: Tokenizer) -> None:
    tokens = clip.tokens("A Black cat's 黒")
    assert tokens.pieces[:4] == ("a</w>", "black</w>", "cat</w>", "'s</w>")
    assert [clip.vocabulary.ids[piece] for piece in tokens.pieces] == list(tokens.ids)


def test_spans_point_at_the_text(clip: Tokenizer) -> None:
    rng = random.Random(7)
    for _ in range(300):
        text = "".join(rng.choice("abcdeXYZ 019.,!?'-\t\n") for _ in range(rng.randrange(1, 80)))
        tokens = clip.tokens(text)
        written = [text[start:end].lower() for start, end in tokens.spans]
        assert written == [piece.removesuffix("</w>") for piece in tokens.pieces]


def test_spans_of_composed_and_wide_characters() -> None:
    """Lower-casing and composing change the length of the text; the spans speak of the text as written."""
    text = "İ e\u0301 \t\n 猫 cat"
    tokens = small().tokens(text)
    assert {text[start:end] for start, end in tokens.spans} >= {"猫", "cat"}
    assert all(0 <= start < end <= len(text) for start, end in tokens.spans)


def test_pieces_of_one_word_share_its_number() -> None:
    tokens = small().tokens("cat dog's <|endoftext|>é,cat")
    assert tokens.words == (0, 1, 1, 1, 2, 2, 3, 4, 4, 5, 6)


def test_a_prompt_that_fits_loses_nothing() -> None:
    fitted = small().fit("cat " * 75)
    assert (len(fitted.ids), fitted.cut, fitted.lost) == (77, "", 0)
    assert fitted.pieces == ("cat</w>",) * 75


def test_cut_words_are_the_text_as_written() -> None:
    fitted = small().fit("cat " * 75 + "CAT,  the\tend é")
    assert fitted.cut == "CAT,  the\tend é"
    assert fitted.lost == 1 + 1 + 3 + 3 + 2  # cat , t h e e n d and two bytes
    assert fitted.ids[-1] == small().eos_id
    assert fitted.pieces == ("cat</w>",) * 75


@settings(max_examples=300, deadline=None, derandomize=True)
@given(text=st.text(max_size=40), length=st.integers(2, 12))
def test_kept_and_cut_make_up_the_prompt(text: str, length: int) -> None:
    tokenizer = small()
    tokens, fitted = tokenizer.tokens(text), tokenizer.fit(text, length)
    kept = len(fitted.pieces)
    assert len(fitted.ids) == length
    assert fitted.ids[: kept + 2] == (tokenizer.bos_id, *tokens.ids[:kept], tokenizer.eos_id)
    assert set(fitted.ids[kept + 2 :]) <= {tokenizer.pad_id}
    assert kept + fitted.lost == len(tokens)
    assert bool(fitted.lost) == bool(fitted.cut)
    assert text.endswith(fitted.cut)


def test_padding_is_the_pad_token() -> None:
    tokenizer = Tokenizer(Vocabulary.from_merges([]), replace(CLIP_SPECIAL, pad=AddedToken("!", special=True)))
    assert tokenizer.fit("a", 6).ids == (tokenizer.bos_id, 64 + 256, tokenizer.eos_id, 0, 0, 0)


@pytest.mark.parametrize("text", ["\ud800", "a cat \udc80"])
def test_half_a_surrogate_pair_is_refused(text: str) -> None:
    with pytest.raises(TokenizerError, match="surrogate"):
        small().tokens(text)


@pytest.mark.parametrize("length", [-1, 0, 1])
def test_no_room_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="2 or more"):
        small().fit("cat", length)


def test_an_added_token_with_a_gap_before_it_is_refused() -> None:
    with pytest.raises(TokenizerError, match="<toy>"):
        Tokenizer(Vocabulary.from_merges([]), added=[(600, AddedToken("<toy>"))])
