"""Chunks of 77: against a plain reading of A1111's and ComfyUI's rules, token by token."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.prompts.strings import LONG, MAKERS, random_strings
from tokenizers import AddedToken

from garasu.prompts.chunks import RowTokens, Split, by_commas, by_words, fit
from garasu.prompts.prompt import Fragment, PromptError
from garasu.prompts.tokenizer import Tokenizer
from garasu.prompts.vocabulary import CLIP_SPECIAL, Vocabulary

MERGES = [("c", "a"), ("ca", "t</w>")]
TOKENIZER = Tokenizer(Vocabulary.from_merges(MERGES))


def row(*texts: str, length: int = 77, **rules: object) -> RowTokens:
    """One section a text, of weight 1."""
    return fit(TOKENIZER, [(Fragment(text),) for text in texts], length, **rules)  # type: ignore[arg-type]


def words(tokens: RowTokens) -> list[list[str]]:
    """The pieces of text in each chunk."""
    return [[token.piece.removesuffix("</w>") for token in chunk if token.kind == "text"] for chunk in tokens.chunks]


def a1111(tokens: Sequence[str], room: int, backtrack: int) -> list[list[str]]:
    """The rule as TECHNIQUES has it, one token after the other."""
    chunks: list[list[str]] = [[]]
    for token in tokens:
        chunk = chunks[-1]
        if len(chunk) == room:
            commas = [place for place, one in enumerate(chunk) if one == ","]
            chunks.append([])
            if backtrack and token != "," and commas and room - commas[-1] <= backtrack:
                chunks[-2:] = [chunk[: commas[-1] + 1], chunk[commas[-1] + 1 :]]
        chunks[-1].append(token)
    return chunks


def comfyui(groups: Sequence[Sequence[str]], room: int) -> list[list[str]]:
    """A word that does not fit begins the next chunk, unless it is of 8 tokens or more."""
    chunks: list[list[str]] = [[]]
    for group in groups:
        rest = list(group)
        while rest:
            space = room - len(chunks[-1])
            if len(rest) <= space:
                chunks[-1] += rest
                break
            if len(group) >= 8:
                chunks[-1] += rest[:space]
                rest = rest[space:]
            chunks.append([])
    return [chunk for chunk in chunks if chunk] or [[]]


@settings(max_examples=2000, deadline=None, derandomize=True)
@given(
    tokens=st.lists(st.sampled_from(["cat", "cat", "cat", "x", ",", "."]), min_size=1, max_size=300),
    room=st.sampled_from([2, 5, 30, 75, 75, 75]),
    backtrack=st.sampled_from([0, 1, 3, 20, 20, 20, 74]),
    cuts=st.lists(st.integers(0, 300), max_size=4),
)
def test_any_tokens_are_divided_by_the_rule_of_a1111(
    tokens: list[str], room: int, backtrack: int, cuts: list[int]
) -> None:
    """However the text falls into weighted fragments."""
    ends = sorted({min(cut, len(tokens)) for cut in [0, *cuts, len(tokens)]})
    section = [Fragment(" ".join(tokens[a:b]), 1 + b / 400) for a, b in pairwise(ends)]
    split = partial(by_commas, backtrack=backtrack)
    found = fit(TOKENIZER, [tuple(section)], room + 2, split=split)
    assert words(found) == a1111(tokens, room, backtrack)
    expected = [fragment.weight for fragment in section for _ in fragment.text.split()]
    assert [token.weight for token in found.tokens if token.kind == "text"] == expected


@pytest.mark.parametrize(("commas", "moved"), [([], 0), ([54], 0), ([55], 19), ([3, 60], 14), ([74], 0), ([60, 75], 0)])
def test_a_comma_at_most_20_tokens_back_moves_what_follows_it(commas: list[int], moved: int) -> None:
    tokens = ["," if place in commas else "cat" for place in range(80)]
    found = row(" ".join(tokens))
    assert found.moved == (0, moved)
    assert [len(chunk) for chunk in words(found)] == [75 - moved, 5 + moved]


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(
    sizes=st.lists(st.sampled_from([1, 1, 1, 2, 3, 7, 8, 9, 40, 160]), min_size=1, max_size=60),
    room=st.sampled_from([8, 20, 75, 75]),
)
def test_any_words_are_divided_by_the_rule_of_comfyui(sizes: list[int], room: int) -> None:
    groups = [["x"] * size for size in sizes]
    found = row(" ".join("".join(group) for group in groups), length=room + 2, split=by_words)
    assert words(found) == comfyui(groups, room)


def test_a_word_of_comfyui_ends_at_white_space_only() -> None:
    found = row("cat " * 74 + "cat's, cat", split=by_words)
    assert words(found)[1] == ["cat", "'", "s", ",", "cat"]
    assert found.moved == (0, 1)


def test_the_last_chunk_allowed_is_filled_whatever_the_rule() -> None:
    text = "cat " * 60 + ", " + "x " * 20
    assert [len(chunk) for chunk in words(row(text))] == [61, 20]
    alone = row(text, max_chunks=1)
    assert [len(chunk) for chunk in words(alone)] == [75]
    assert (alone.lost, alone.cut, alone.moved) == (6, "x x x x x x ", (0,))


def test_three_chunks_hold_225_tokens() -> None:
    found = row("cat " * 225 + "under a Palm tree", max_chunks=3)
    assert [len(chunk) for chunk in words(found)] == [75, 75, 75]
    assert (len(found.ids), found.cut, found.lost) == (231, "under a Palm tree", 14)
    assert row("cat " * 225, max_chunks=3).cut == ""


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((), [[]]),
        (("",), [[]]),
        (("", ""), [[]]),
        (("cat",), [["cat"]]),
        (("cat", ""), [["cat"]]),
        (("", "cat"), [[], ["cat"]]),
        (("cat", "", "x"), [["cat"], [], ["x"]]),
        (("cat " * 75, "x"), [["cat"] * 75, ["x"]]),
        (("cat " * 76, "x"), [["cat"] * 75, ["cat"], ["x"]]),
    ],
)
def test_every_section_begins_a_chunk(texts: tuple[str, ...], expected: list[list[str]]) -> None:
    assert words(row(*texts)) == expected


def test_what_is_cut_is_named_across_fragments_and_sections() -> None:
    sections = [(Fragment("cat " * 74), Fragment("x cat", 1.3), Fragment(" on", 1.0)), (Fragment("a cat"),)]
    found = fit(TOKENIZER, sections, max_chunks=1)
    assert (found.cut, found.lost) == ("cat on BREAK a cat", 5)
    assert found.weights[75] == 1.3
    assert fit(TOKENIZER, sections, max_chunks=2).cut == "a cat"


@pytest.mark.parametrize("pad", ["<|endoftext|>", "!"])
def test_chunks_are_framed_and_padded_as_the_tokenizer_says(pad: str) -> None:
    special = replace(CLIP_SPECIAL, pad=AddedToken(pad, special=True))
    tokenizer = Tokenizer(Vocabulary.from_merges(MERGES), special)
    found = fit(tokenizer, [(Fragment("cat " * 76),)])
    bos, eos, cat = tokenizer.bos_id, tokenizer.eos_id, tokenizer.vocabulary.ids["cat</w>"]
    filler = 0 if pad == "!" else eos
    assert found.ids == (bos, *[cat] * 75, eos, bos, cat, eos, *[filler] * 74)
    assert [token.kind for token in found.chunks[1]] == ["bos", "text", "eos", *["pad"] * 74]
    assert found.pieces[77:81] == ("<|startoftext|>", "cat</w>", "<|endoftext|>", pad)
    assert set(found.weights) == {1.0}
    assert fit(tokenizer, ()).ids == (bos, eos, *[filler] * 75) == tokenizer.fit("").ids


@pytest.mark.parametrize("name", MAKERS)
def test_one_chunk_of_any_text_is_what_the_tokenizer_fits(name: str) -> None:
    for text in random_strings(name, 100):
        fitted, found = TOKENIZER.fit(text), row(text, max_chunks=1)
        assert (found.ids, found.cut, found.lost) == (fitted.ids, fitted.cut, fitted.lost)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(texts=st.lists(st.text(max_size=120), min_size=1, max_size=4), most=st.sampled_from([None, 1, 2]))
def test_no_token_is_lost_but_those_named(texts: list[str], most: int | None) -> None:
    found = row(*texts, max_chunks=most, length=22)
    ids = [id for text in texts for id in TOKENIZER.tokens(text).ids]
    kept = [token.id for token in found.tokens if token.kind == "text"]
    assert kept == ids[: len(kept)]
    assert len(kept) + found.lost == len(ids)
    assert bool(found.lost) == bool(found.cut)
    assert len(found.ids) == 22 * len(found.moved)
    assert most is None or len(found.moved) <= most


def test_every_place_knows_the_characters_it_stands_for() -> None:
    sections = [(Fragment("A Cat  "), Fragment("CAT's", 1.1)), (Fragment("é"),)]
    found = fit(TOKENIZER, sections)
    assert [found.text(place) for place in (0, 1, 2, 3, 4, 5, 6)] == ["", "A", "Cat", "CAT", "'", "s", ""]
    assert found.text(78) == "é"
    assert found.weights[1:6] == (1.0, 1.0, 1.1, 1.1, 1.1)
    assert [token.fragment for token in found.tokens[:6]] == [-1, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("text", "word", "places"),
    [
        ("a cat on a cat", "cat", ((2,), (6,))),
        ("a CAT", "Cat", ((2,),)),
        ("bobcat", "cat", ()),
        ("catx, xcat", "cat", ()),
        ("cat's,cat", "cat", ((1,), (5,))),
        ("cat cat cat", "cat cat", ((1, 2),)),
        ("dog and dog", "dog", ((1, 2, 3), (7, 8, 9))),
        ("a 黒 b", "黒", ((2, 3, 4),)),
        ("cat", "dog", ()),
        ("cat", "", ()),
        ("", "cat", ()),
    ],
)
def test_a_word_is_found_whole(text: str, word: str, places: tuple[tuple[int, ...], ...]) -> None:
    assert row(text).places(word) == places


def test_a_word_is_found_in_every_fragment_and_chunk() -> None:
    found = fit(TOKENIZER, [(Fragment("cat"), Fragment("cat", 1.2), Fragment("cat")), (Fragment("a cat"),)])
    assert found.places("cat") == ((1,), (2,), (3,), (79,))
    assert found.places("cat a") == ((3, 78),)
    assert row("x" * 74 + " dog").places("dog") == ((75, 78, 79),)


def test_a_learned_token_is_a_word() -> None:
    vocabulary = Vocabulary.from_merges(MERGES)
    tokenizer = Tokenizer(vocabulary, added=[(TOKENIZER.vocab_size, AddedToken("<toy>"))])
    found = fit(tokenizer, [(Fragment("<toy>cat<toy>"),)])
    assert found.places("<toy>") == ((1,), (3,))
    assert found.places("cat") == ((2,),)


def test_padding_chunks_are_the_empty_prompts() -> None:
    empty, cat = fit(TOKENIZER, ()), row("cat")
    longer = cat.padded(3)
    assert longer.ids == cat.ids + empty.ids * 2
    assert (longer.moved, longer.fragments) == ((0, 0, 0), cat.fragments)


@pytest.mark.parametrize("name", ["one letter", "words", "emoji", "end of text"])
@pytest.mark.parametrize("split", [by_commas, by_words])
def test_long_text_takes_no_time(name: str, split: Split) -> None:
    begin = time.process_time()
    row(LONG[name][:25_000], split=split)
    assert time.process_time() - begin < 3


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), -float("inf"), 101.0, -1e9])
def test_weights_that_are_none_are_refused(weight: float) -> None:
    with pytest.raises(PromptError, match="of 'cat' is not within ±100"):
        fit(TOKENIZER, [(Fragment("a "), Fragment("cat", weight))])


@pytest.mark.parametrize("most", [0, -1])
def test_no_chunk_is_refused(most: int) -> None:
    with pytest.raises(PromptError, match="take 1 or more"):
        row("cat", max_chunks=most)


def test_a_chunk_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="3 or more"):
        row("cat", length=2)
