"""Places and the words that hold them."""

import pytest
import torch

from garasu.glass.page.words import Column, columns, membership
from garasu.glass.record.document import Words

START, END, CAT = 90, 91, 5


def words(*pieces):
    """Pieces of text, "<" for a start and ">" for an end or padding."""
    ids = tuple({"<": START, ">": END}.get(piece, CAT) for piece in pieces)
    return Words(text="", ids=ids, pieces=tuple("" if piece in "<>" else piece for piece in pieces))


def test_every_place_is_in_one_column_and_pieces_make_words():
    some = columns(words("<", "a</w>", "bo", "zu</w>", ">", ">", ">"), START, 7)
    assert some == (
        Column("start of text", "start", (0,)),
        Column("a", "word", (1,)),
        Column("bozu", "word", (2, 3)),
        Column("end of text", "end", (4,)),
        Column("padding", "padding", (5, 6)),
    )


def test_chunks_share_start_end_and_padding_and_a_repeated_word_stands_twice():
    some = columns(words("<", "cat</w>", ">", ">", "<", "cat</w>", ">", ">"), START, 12)
    assert {(one.text, one.places) for one in some} == {
        ("start of text", (0, 4)),
        ("cat", (1,)),
        ("cat", (5,)),
        ("end of text", (2, 6)),
        ("padding", (3, 7, 8, 9, 10, 11)),  # 8 to 11 fill a shorter prompt up to the other's length
    }


def test_a_word_cut_in_the_middle_is_a_word():
    some = columns(words("<", "a</w>", "bo", ">"), START, 4)
    assert [(one.text, one.places) for one in some[1:3]] == [("a", (1,)), ("bo", (2,))]


def test_the_empty_prompt_is_start_end_and_padding():
    assert [one.kind for one in columns(words("<", ">", ">"), START, 3)] == ["start", "end", "padding"]


def test_membership_sums_over_the_tokens_of_a_word():
    some = columns(words("<", "bo", "zu</w>", ">", ">"), START, 5)
    attention = torch.tensor([0.1, 0.2, 0.3, 0.15, 0.25])
    assert (attention @ membership(some, 5)).tolist() == pytest.approx([0.1, 0.5, 0.15, 0.25])
