"""Every number of a report against one that is computed otherwise."""

import numpy as np
import pytest
import torch

from garasu.glass.prompt import inspect_prompt
from garasu.prompts.conditioning import encode
from garasu.prompts.prompt import PromptError
from garasu.prompts.rules import ReadingRules


def rows(sd, text):
    """What the model is told, [T, D], in float64."""
    return encode(sd.text_encoder, sd.tokenizer, text).tensor[0].detach().double().numpy()


def cosine(a, b):
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def without(a, nothing):
    return a - (a * nothing).sum(-1, keepdims=True) / (nothing * nothing).sum(-1, keepdims=True) * nothing


def test_the_tensor_is_what_a_walk_is_told(tiny):
    report = inspect_prompt(tiny, "a (black:1.3) cat", rules=ReadingRules(clip_skip=2, emphasis="comfy"))
    told = tiny.prompt_schedule("a (black:1.3) cat", clip_skip=2, emphasis="comfy").over(25)[0].parts[0].context
    torch.testing.assert_close(report.parts[0].tensor, told[0].detach().float())
    torch.testing.assert_close(report.empty, tiny.encode("", clip_skip=2).tensor[0])


def test_places_are_tokens_with_their_weights_and_lengths(tiny):
    report = inspect_prompt(tiny, "black (cat:1.5), bozu", rules=ReadingRules(emphasis="no-norm"))
    places = report.parts[0].places
    assert [place.kind for place in places] == ["bos", *["text"] * 7, "eos", *["pad"] * 68]
    pieces = ["black</w>", "cat</w>", ",</w>", "b", "o", "z", "u</w>"]
    assert [place.piece for place in places[1:8]] == pieces
    assert [place.text for place in places[1:8]] == ["black", "cat", ",", "b", "o", "z", "u"]
    assert [place.id for place in places[1:8]] == [tiny.tokenizer.vocabulary.ids[piece] for piece in pieces]
    assert [place.weight for place in places[:4]] == [1, 1, 1.5, 1]
    plain = np.linalg.norm(rows(tiny, "black cat, bozu"), axis=1)
    assert [place.norm_before for place in places] == pytest.approx(plain.tolist(), rel=1e-5)
    assert places[2].norm == pytest.approx(1.5 * plain[2], rel=1e-5)
    assert places[3].norm == pytest.approx(plain[3], rel=1e-5)


def test_cosines_are_of_ends_and_of_rows_with_and_without_the_empty_prompt(tiny):
    found = inspect_prompt(tiny, "a black cat", ["dog"]).cosines
    a, b, nothing = rows(tiny, "a black cat"), rows(tiny, "dog"), rows(tiny, "")
    assert [(one.first, one.second) for one in found] == [(0, 1)]
    assert found[0].end == pytest.approx(cosine(a[4], b[2]), abs=1e-5)
    assert found[0].rows == pytest.approx(np.mean([cosine(a[i], b[i]) for i in range(77)]), abs=1e-5)
    c, d = without(a, nothing), without(b, nothing)
    assert found[0].end_changed == pytest.approx(cosine(c[4], d[2]), abs=1e-4)
    told = [
        i
        for i in range(77)
        if min(np.linalg.norm(c[i]) / np.linalg.norm(a[i]), np.linalg.norm(d[i]) / np.linalg.norm(b[i])) > 0.01
    ]
    assert 0 not in told
    assert len(told) > 60
    assert found[0].rows_changed == pytest.approx(np.mean([cosine(c[i], d[i]) for i in told]), abs=1e-4)


def test_the_empty_prompt_changes_nothing_so_there_is_nothing_to_compare(tiny):
    one = inspect_prompt(tiny, "cat", [""]).cosines[0]
    assert one.end is not None
    assert (one.end_changed, one.rows_changed) == (None, None)


def test_a_pair_is_compared_place_by_place_the_shorter_filled_up(tiny):
    long = "cat, " * 40
    report = inspect_prompt(tiny, "dog", [long, "dog"])
    a, b = np.concatenate([rows(tiny, "dog"), rows(tiny, "")]), rows(tiny, long)
    assert report.differences[0].other == 1
    assert report.differences[0].distances == pytest.approx(np.linalg.norm(a - b, axis=1).tolist(), abs=1e-4)
    assert report.differences[1].distances == (0.0,) * 77


def test_what_was_moved_and_what_was_cut(tiny):
    report = inspect_prompt(tiny, "cat, " * 30 + "black " * 40 + "dog " * 60, rules=ReadingRules(max_chunks=2))
    part = report.parts[0]
    assert part.moved == (0, 15)  # the first chunk ends at its last comma, 60 of its 75 tokens
    assert [place.kind for place in part.places[60:63]] == ["text", "eos", "pad"]
    assert part.lost == 60 + 40 + 60 - 60 - 75
    assert part.cut == " ".join(["dog"] * part.lost)
    assert [place.chunk for place in part.places] == [0] * 77 + [1] * 77


def test_a_prompt_that_changes_has_a_part_for_each_thing_it_says(tiny):
    report = inspect_prompt(tiny, "[cat:dog:0.5] AND black:0.3", steps=10)
    assert [part.name for part in report.parts] == ["cat", "black", "dog"]
    stretches = [[(one.first, one.last, one.weight) for one in part.stretches] for part in report.parts]
    assert stretches == [[(1, 5, 1)], [(1, 5, 0.3), (6, 10, 0.3)], [(6, 10, 1)]]
    for part in report.parts:
        assert part.tensor.numpy() == pytest.approx(rows(tiny, part.name), abs=1e-6)


def test_a_negative_prompt_knows_no_and(tiny):
    report = inspect_prompt(tiny, "cat AND dog", negative=True)
    assert [place.piece for place in report.parts[0].places[1:6]] == ["cat</w>", "a", "n", "d</w>", "dog</w>"]


def test_a_mix_is_shown_with_what_it_was_mixed_from(tiny):
    report = inspect_prompt(tiny, "black cat:0.75|black dog:0.25", rules=ReadingRules(syntax="novelai"))
    assert [part.name for part in report.ingredients] == ["black cat", "black dog"]
    expected = 0.75 * rows(tiny, "black cat") + 0.25 * rows(tiny, "black dog")
    assert report.parts[0].tensor.numpy() == pytest.approx(expected, abs=1e-5)
    places = report.parts[0].places
    assert [place.piece for place in places[1:3]] == ["black</w>", "cat</w> | dog</w>"]
    assert [place.id is None for place in places[1:3]] == [False, True]
    assert places[2].norm == pytest.approx(np.linalg.norm(expected[2]), rel=1e-5)


def test_an_expression_is_shown_with_its_prompts(tiny):
    report = inspect_prompt(tiny, 'cat + 0.5*"black dog"', rules=ReadingRules(syntax="algebra"))
    assert [part.name for part in report.ingredients] == ["cat", "black dog"]
    expected = rows(tiny, "cat") + 0.5 * rows(tiny, "black dog")
    assert report.parts[0].tensor.numpy() == pytest.approx(expected, abs=1e-5)
    assert [place.kind for place in report.parts[0].places[:5]] == ["bos", "text", "mixed", "mixed", "pad"]
    assert [(one.first, one.second) for one in report.cosines] == [(0, 1), (0, 2), (1, 2)]


def test_what_cannot_be_read_is_refused(tiny):
    with pytest.raises(PromptError, match="a model also reads algebra"):
        inspect_prompt(tiny, "cat", rules=ReadingRules(syntax="klingon"))
    with pytest.raises(ValueError, match="clip_skip 9"):
        inspect_prompt(tiny, "cat", rules=ReadingRules(clip_skip=9))
    with pytest.raises(ValueError, match="-1 words"):
        inspect_prompt(tiny, "cat", words=-1)
