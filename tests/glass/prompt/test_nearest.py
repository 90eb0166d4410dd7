"""The nearest words, by brute force; and that they are the words of the prompt in a model that knows them."""

import numpy as np
import pytest
from torch.nn.functional import normalize

import garasu
from garasu.glass.prompt import inspect_prompt
from garasu.prompts.conditioning import encode
from garasu.prompts.rules import ReadingRules


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

    report = inspect_prompt(tiny, "dog (black:1.4) cat zz", rules=ReadingRules(emphasis="no-norm"))
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


@pytest.fixture(scope="module")
def bundled():
    return garasu.load(device="cpu", dtype="float32")


def test_in_the_bundled_model_rows_are_nearest_to_their_own_words(bundled):
    report = inspect_prompt(bundled, "a gray kitten with a red hat")
    first = {place.text: place.nearest[0].word for place in report.parts[0].places if place.kind == "text"}
    own = ("gray", "kitten", "red")
    assert {word: first[word] for word in own} == {word: word for word in own}
    assert first["with"] == "kitten"  # it holds what it has read


PROMPTS = (
    "a black cat with yellow eyes",
    "an orange tabby cat on the beach",
    "a white dog and a kitten at night, watercolor",
    "a gray kitten with a red hat, snow",
    "two orange kittens, window sill",
    "cat, sea, wave, in Edvard Munch style",
    "a brown dog on a bench",
)


def test_the_figures_of_the_guide(bundled):
    """How often a row is nearest to its own word, among rows and among embeddings; what the stripes are."""
    embeddings = normalize(bundled.text_encoder.token_embedding.weight.detach(), dim=-1)
    read = [inspect_prompt(bundled, prompt).parts[0] for prompt in PROMPTS]
    words = [(part.tensor[at], place) for part in read for at, place in enumerate(part.places) if whole(place)]
    assert len(words) == 40
    assert sum(place.nearest[0].word == place.text.lower() for _, place in words) == pytest.approx(21, abs=1)
    assert sum(int((embeddings @ row).argmax()) == place.id for row, place in words) == 0
    rows = bundled.encode(["a cat", "a dog", PROMPTS[3], PROMPTS[4], "cat, sea, wave"]).tensor  # [5, T, D]
    everywhere = float(rows.mean((0, 1)).square().sum() * 5 * 77 / rows.square().sum())
    by_place = float(rows.mean(0).square().sum() * 5 / rows.square().sum())
    assert everywhere == pytest.approx(0.52, abs=0.01)
    assert by_place - everywhere == pytest.approx(0.015, abs=0.003)


def whole(place):
    """Whether it is a word of its own, longer than a letter."""
    return place.kind == "text" and place.text.isalpha() and len(place.text) > 1 and place.piece.endswith("</w>")
