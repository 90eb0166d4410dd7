"""One word of a sentence: which rows move, and that all others stay."""

import pytest
import torch

from garasu.model import StableDiffusion
from garasu.prompts.algebra import AlgebraError
from garasu.prompts.conditioning import Conditioning
from garasu.prompts.word_edits import Change, edit_words, nudge_word, replace_word


@pytest.fixture
def rows(tiny: StableDiffusion):
    """A sentence's rows [T, D]. "cat", "dog" and "black" are one token each, other words one a letter."""
    return lambda text: tiny.encode(text).tensor[0]


def test_only_the_words_rows_move(tiny, rows):
    found = replace_word(tiny.encode, "a black cat i", "cat", "dog").tensor[0]
    before, after = rows("a black cat i"), rows("a black dog i")
    assert torch.equal(found[3], after[3])
    assert not torch.allclose(found[3], before[3], atol=1e-3)
    rest = [place for place in range(77) if place != 3]
    assert torch.equal(found[rest], before[rest])


def test_the_ends_move_where_asked(tiny, rows):
    found = replace_word(tiny.encode, "a black cat i", "cat", "dog", ends=True).tensor[0]
    before, after = rows("a black cat i"), rows("a black dog i")
    assert torch.allclose(found[5:], after[5:], atol=1e-6)
    assert torch.equal(found[4], before[4]), "the word behind stays"
    assert not torch.allclose(before[5:], after[5:], atol=1e-3)


@pytest.mark.parametrize("share", [0.3, 1.5])
def test_a_part_of_the_way(tiny, rows, share):
    found = replace_word(tiny.encode, "a cat", "cat", "dog", share).tensor[0]
    assert torch.allclose(found[2], (1 - share) * rows("a cat")[2] + share * rows("a dog")[2], atol=1e-6)


def test_a_nudge(tiny, rows):
    found = nudge_word(tiny.encode, "a cat", "cat", "dog", -0.4).tensor[0]
    assert torch.allclose(found[2], rows("a cat")[2] - 0.4 * rows("a dog")[2], atol=1e-6)
    assert torch.equal(found[3:], rows("a cat")[3:])


def test_all_occurrences_or_one(tiny, rows):
    text = "cat a cat"
    every = replace_word(tiny.encode, text, "cat", "dog").tensor[0]
    assert torch.equal(every[[1, 3]], rows("dog a dog")[[1, 3]])
    second = replace_word(tiny.encode, text, "cat", "dog", nth=2).tensor[0]
    assert torch.equal(second[3], rows("cat a dog")[3])
    assert torch.equal(second[:3], rows(text)[:3])


def test_a_longer_word_makes_room(tiny, rows):
    """The rows behind it move up, and padding is lost at the end."""
    text = "a cat i"
    found = replace_word(tiny.encode, text, "cat", "black dog").tensor[0]
    before, after = rows(text), rows("a black dog i")
    assert torch.equal(found[:2], before[:2])
    assert torch.equal(found[2:4], after[2:4])
    assert torch.equal(found[4:], before[3:-1])


def test_a_shorter_word_leaves_room_to_padding(tiny, rows):
    text = "a black cat i"
    found = replace_word(tiny.encode, text, "black cat", "dog").tensor[0]
    # its other end, "black cat" at share 0, has two tokens, so that "dog" comes with a row of padding
    after = rows("a dog i")
    assert torch.equal(found[2:4], after[[-1, 2]])
    assert torch.equal(found[4:], rows(text)[4:])
    change = Change("black cat", ("dog",), lambda given: given["dog"])
    alone = edit_words(tiny.encode, text, [change]).tensor[0]
    assert torch.equal(alone[2], after[2])
    assert torch.equal(alone[3:-1], rows(text)[4:])
    assert torch.equal(alone[-1], rows(text)[-1])


def test_the_way_to_a_longer_word_begins_at_the_sentence(tiny, rows):
    """At share 0 the rows are the sentence's, in another order: padding stands where the longer word will."""
    text = "a cat i"
    found = replace_word(tiny.encode, text, "cat", "black dog", 0.0).tensor[0]
    before = rows(text)
    assert torch.equal(found, before[[0, 1, 76, *range(2, 76)]])


def test_changes_do_not_see_each_other(tiny, rows):
    text = "a black cat i"
    changes = [
        Change("cat", ("black dog",), lambda given: given["black dog"]),
        Change("black", ("dog",), lambda given: given["dog"]),
    ]
    found = edit_words(tiny.encode, text, changes).tensor[0]
    assert torch.equal(found[2], rows("a dog cat i")[2])
    assert torch.equal(found[3:5], rows("a black black dog i")[3:5])
    assert torch.equal(found[5:], rows(text)[4:-1])


def test_what_several_move_at_the_ends_adds_up(tiny, rows):
    text = "black cat"
    changes = [
        Change("cat", ("dog",), lambda given: given["dog"], ends=True),
        Change("black", ("dog",), lambda given: given["dog"], ends=True),
    ]
    found = edit_words(tiny.encode, text, changes).tensor[0]
    expected = rows("black dog") + rows("dog cat") - rows(text)
    assert torch.allclose(found[3:], expected[3:], atol=1e-6)


@pytest.mark.parametrize(
    ("word", "by", "nth", "message"),
    [
        ("dog", "cat", None, "there is no word 'dog' in 'a cat'"),
        ("", "dog", None, "there is no word ''"),
        ("cat", "dog", 2, "'a cat' says 'cat' 1×, so there is no #2"),
        ("cat", "", None, "no word that could stand"),
    ],
)
def test_what_cannot_be_is_refused(tiny, word, by, nth, message):
    with pytest.raises(AlgebraError, match=message):
        replace_word(tiny.encode, "a cat", word, by, nth=nth)


def test_two_changes_of_one_word_are_refused(tiny):
    change = Change("cat", ("dog",), lambda given: given["dog"])
    other = Change("black cat", ("dog",), lambda given: given["dog"])
    with pytest.raises(AlgebraError, match="two changes touch the same word"):
        edit_words(tiny.encode, "a black cat", [change, other])


def test_a_full_chunk_has_no_room(tiny):
    longer = [Change(word, (f"{word} a",), lambda given: next(iter(given.values()))) for word in ("black", "dog")]
    with pytest.raises(AlgebraError, match="no room for longer words in a full chunk"):
        edit_words(tiny.encode, "black dog" + " cat" * 72, longer)
    assert edit_words(tiny.encode, "black dog" + " cat" * 71, longer).tensor.shape[1] == 77


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("dog BREAK", "with 'dog BREAK' in it, .* divided into other chunks"),
        ("dog BREAK dog", "a word that the border of two chunks divides"),
    ],
)
def test_a_sentence_that_is_divided_otherwise_is_refused(tiny, by, message):
    with pytest.raises(AlgebraError, match=message):
        replace_word(tiny.encode, "a cat i", "cat", by)


def test_words_of_a_later_chunk_can_be_changed(tiny):
    second = "dog " * 80 + ", cat"
    found = replace_word(tiny.encode, second, "cat", "black dog").tensor[0]
    before, after = tiny.encode(second).tensor[0], tiny.encode(second.replace("cat", "black dog")).tensor[0]
    place = tiny.encode(second).places("cat")[0][0]
    assert place > 77
    assert torch.equal(found[:place], before[:place])
    assert torch.equal(found[place : place + 2], after[place : place + 2])
    assert torch.equal(found[place + 2 :], before[place + 1 : -1])


def test_weights_stay_with_the_word(tiny, rows):
    found = replace_word(tiny.encode, "a (black:1.3) cat", "black", "dog").tensor[0]
    assert torch.equal(found[2], rows("a (dog:1.3) cat")[2])


def test_words_of_no_single_prompt_have_no_place(tiny):
    with pytest.raises(AlgebraError, match="words can be changed in one prompt at a time"):
        replace_word(lambda text: Conditioning(tiny.encode(text).tensor), "a cat", "cat", "dog")
