"""A prompt over the steps, whatever its syntax."""

import math

import pytest

from garasu.prompts.prompt import LIMIT, Fragment, PromptError, finite, merged
from garasu.prompts.syntax import parse


def texts(prompt: str, steps: int = 10) -> list[tuple[int, str]]:
    """The stretches of a prompt of one part, with all that is said in them."""
    read = parse(prompt)
    said = ((last, read.at(last, steps)[0].sections[0]) for last in read.changes(steps))
    return [(last, "".join(fragment.text for fragment in section)) for last, section in said]


def test_nested_editing_changes_where_a1111_changes() -> None:
    assert texts("a[b:[c:d:2]:1]e") == [(1, "abe"), (2, "ace"), (10, "ade")]


def test_alternation_takes_turns() -> None:
    assert texts("[fe|]male", 4) == [(1, "female"), (2, "male"), (3, "female"), (4, "male")]


@pytest.mark.parametrize(
    ("prompt", "stretches"),
    [
        ("a [b:.5] c", [(5, "a  c"), (10, "a b c")]),
        ("a [b:3]", [(3, "a "), (10, "a b")]),
        ("a [b: 3 ]", [(3, "a "), (10, "a b")]),
        ("[a::8]", [(8, "a"), (10, "")]),
        ("[a:b:0.29]", [(2, "a"), (10, "b")]),  # int(2.9)
        ("[a:b:1.0]", [(10, "a")]),
        ("[a:b:1]", [(1, "a"), (10, "b")]),
        ("[a:b:0]", [(10, "b")]),
        ("[a:b:-3]", [(10, "b")]),
        ("[a:b:99]", [(10, "a")]),
        ("[a:b:1e9999]", [(10, "a")]),
        ("[a:a:5]", [(10, "a")]),
        ("[a|a]", [(10, "a")]),
        ("[a|b|b]", [(1, "a"), (3, "b"), (4, "a"), (6, "b"), (7, "a"), (9, "b"), (10, "a")]),
        ("[[a|b]:c:2]", [(1, "a"), (2, "b"), (10, "c")]),
    ],
)
def test_a_stretch_ends_with_the_last_step_before_a_change(prompt: str, stretches: list[tuple[int, str]]) -> None:
    assert texts(prompt) == stretches


def test_fractions_are_of_all_steps_and_cut_to_whole_ones() -> None:
    assert parse("[a:b:0.29]").changes(100) == (28, 100)  # 0.29 * 100 is 28.999999999999996, and A1111 cuts it too


def test_all_parts_count_for_the_changes() -> None:
    prompt = parse("[a:b:2] AND [c:d:4] :0.5 AND e")
    assert prompt.changes(10) == (2, 4, 10)
    assert [[said.sections[0][0].text for said in prompt.at(step, 10)] for step in (2, 3, 5)] == [
        ["a", "c", "e"],
        ["b", "c", "e"],
        ["b", "d", "e"],
    ]
    assert [said.weight for said in prompt.at(1, 10)] == [1.0, 0.5, 1.0]


def test_only_a_schedule_makes_a_prompt_change() -> None:
    assert parse("a (cat:1.3) AND b").fixed
    assert not parse("a AND [b|c]").fixed
    assert parse("[a|b]", "comfy").fixed


@pytest.mark.parametrize(("step", "steps"), [(0, 10), (11, 10), (1, 0)])
def test_steps_are_counted_from_one(step: int, steps: int) -> None:
    with pytest.raises(PromptError, match=r"counted from 1|at least 1"):
        parse("a").at(step, steps)


def test_changes_need_a_step() -> None:
    with pytest.raises(PromptError, match="give at least 1"):
        parse("a").changes(0)


def test_equal_by_meaning_with_equal_hashes() -> None:
    for one, other in [("(a)", "(a:1.1)"), ("[a:b:.5]", "[a:b: 0.50]"), ("[:b:5]", "[b:5]"), ("a AND b:1", " a AND b")]:
        assert parse(one) == parse(other), (one, other)
        assert hash(parse(one)) == hash(parse(other))
        assert str(parse(one)) == str(parse(other))
    for one, other in [("[a:b:5]", "[a:b:5.]"), ("a", "b"), ("a<lora:x:1>", "a"), ("[a|b]", "[b|a]"), ("a:2", "a")]:
        assert parse(one) != parse(other), (one, other)
    assert parse("a", "plain") != parse("a", "comfy")
    assert repr(parse("(a)")) == "Prompt(syntax='a1111', text='(a:1.1)')"


def test_it_shows_how_it_was_read() -> None:
    prompt = parse("a (cat:1.3) BREAK [red|blue] AND dog :0.5 <lora:ink:0.8:te=0.5>")
    assert prompt.describe(4).splitlines() == [
        "a1111: a (cat:1.3) BREAK [red|blue] AND dog :0.5 <lora:ink:0.8:te=0.5>",
        "2 parts whose predictions are added up",
        "lora ink 0.8 te=0.5",
        "steps 1, 3:",
        "  part 1, weight 1",
        "    1        'a '",
        "    1.3      'cat'",
        "    BREAK",
        "    1        'red'",
        "  part 2, weight 0.5",
        "    1        'dog'",
        "steps 2, 4:",
        "  part 1, weight 1",
        "    1        'a '",
        "    1.3      'cat'",
        "    BREAK",
        "    1        'blue'",
        "  part 2, weight 0.5",
        "    1        'dog'",
    ]
    assert parse("[a:b:3]").describe(4).splitlines()[1::2] == ["steps 1-3:", "step 4:"]
    assert parse("").describe(4).splitlines() == ["a1111: ", "    (nothing)"]


@pytest.mark.parametrize(
    ("weight", "kept"),
    [(1.3, 1.3), (-2.0, -2.0), (1e31, LIMIT), (-math.inf, -LIMIT), (1e-31, 0.0), (-1e-31, 0.0), (math.nan, 0.0)],
)
def test_weights_are_finite(weight: float, kept: float) -> None:
    assert finite(weight) == kept


def test_neighbours_of_equal_weight_are_one() -> None:
    pieces = [("a", 1.0), ("", 2.0), ("b", 1.0), ("c", 2.0), ("", 1.0)]
    assert merged(pieces) == (Fragment("ab"), Fragment("c", 2.0))
    assert merged(pieces, between=" ") == (Fragment("a b"), Fragment("c", 2.0))
