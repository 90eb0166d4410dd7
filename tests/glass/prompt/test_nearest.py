"""The nearest words, by brute force; and that they are the words of the prompt in a model that knows them."""

import numpy as np
import pytest

import garasu
from garasu.glass.prompt import inspect_prompt
from garasu.prompts.conditioning import encode


def test_the_nearest_words_are_those_of_the_largest_cosines(tiny):
    def changed(text):
        z, nothing = (encode(tiny.text_encoder, tiny.tokenizer, one).tensor[0].detach().double() for one in (text, ""))
        return (z - (z * nothing).sum(-1, True) / (nothing * nothing).sum(-1, True) * nothing).numpy()

    def cosines(row, place):
        found = []
        for word in ("cat", "dog", "black", "z"):
            own = changed(word)[place]
            found.append((row @ own / np.sqrt((row @ row) * (own @ own)), word))
        return sorted(found, reverse=True)[:3]

    report = inspect_prompt(tiny, "dog (black:1.4) cat zz", emphasis="no-norm")
    rows = changed("dog black cat zz")
    assert report.words == 4  # three are all that the tiny vocabulary has, and z</w> is of the prompt
    for place, compared in ((1, 1), (2, 1), (3, 1), (4, 1), (6, 2), (7, 2), (76, 2)):
        near = report.parts[0].places[place].nearest
        expected = cosines(rows[place], compared)
        assert [one.word for one in near] == [word for _, word in expected], place
        assert [one.cosine for one in near] == pytest.approx([value for value, _ in expected], abs=1e-4)
    assert report.parts[0].places[1].nearest[0].cosine == pytest.approx(1)  # nothing stands before it
    assert report.parts[0].places[0].nearest == ()  # start of text is the same in every prompt


def test_no_words_no_neighbours(tiny):
    report = inspect_prompt(tiny, "cat", words=0)
    assert report.words == 0
    assert {place.nearest for place in report.parts[0].places} == {()}


def test_the_words_of_a_prompt_are_looked_among_beyond_the_most_frequent(tiny):
    assert inspect_prompt(tiny, "zz", words=1).words == 1
    near = inspect_prompt(tiny, "black", words=1).parts[0].places[1].nearest
    assert near[0].word == "black"


def test_in_the_bundled_model_rows_are_nearest_to_their_own_words():
    sd = garasu.load(device="cpu", dtype="float32")
    report = inspect_prompt(sd, "a gray kitten with a red hat")
    first = {place.text: place.nearest[0].word for place in report.parts[0].places if place.kind == "text"}
    assert {word: first[word] for word in ("gray", "kitten", "red")} == {
        word: word for word in ("gray", "kitten", "red")
    }
    assert first["with"] == "kitten"  # it holds what it has read
