"""Which brackets are a switch, and which are left to the emphasis."""

import pytest

from garasu.prompts.syntax.schedule import read_schedule


def said(text: str, step: int, steps: int = 10) -> str:
    schedule = read_schedule(text)
    return schedule.wording(step, steps) if schedule else text


@pytest.mark.parametrize(
    ("text", "early", "late"),
    [
        ("[a:b:5]", "a", "b"),
        ("x [ a : b :0.5] y", "x  a  y", "x  b  y"),
        ("[(a:2):3]", "", "(a:2)"),
        ("a [[[b]]:2]", "a ", "a [[b]]"),
        ("((a][:b:c [d:3]", "((a][:b:c ", "((a][:b:c d"),
        ("a [{b|d{:.5] c", "a  c", "a {b|d{ c"),  # a bar in prompt editing is text
        ("[a|b:c:5]", "a|b", "c"),
        ("[a:b:c|d]", "a:b:c", "d"),  # and a colon in alternation
        ("[:5]x", "x", "x"),
        (r"[a\:b:c:5]", r"a\:b", "c"),
        ("([a:b:5]", "(a", "(b"),
        ("(x:[1.3:0.8:5])", "(x:1.3)", "(x:0.8)"),
        ("[[a|b]:[c:d:8]:5]", "a", "d"),
    ],
)
def test_switches(text: str, early: str, late: str) -> None:
    assert (said(text, 1), said(text, 10)) == (early, late)


@pytest.mark.parametrize(
    "text",
    [
        *("[a]", "[a:b]", "[a:b:c]", "[a:b:c:5]", "[5]", "[a:5", "a:5]", "[a (b:c:5]", "[a ) b:c:5]", "[a:b:5)", "a|b"),
        *("(a|b)", r"\[a|b]", r"[a|b\]", r"[a\|b]", "[a:b:5 6]", "[a:b:inf]", "[a:b:(5)]"),
    ],
)
def test_everything_else_is_left_as_it_stands(text: str) -> None:
    assert read_schedule(text) is None


def test_a_flaw_spoils_only_the_brackets_around_it() -> None:
    assert said("[a ) [b:c:5] d:e:5] [f:g:5]", 1) == "[a ) b d:e:5] f"
    assert said("[[a:b]:c:5]", 1) == "[a:b]"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("[a:b: .5 ]", "[a:b:0.5]"),
        ("[:b:5]", "[b:5]"),
        ("[a::1e1]", "[a::10]"),
        ("[a:b:5.]", "[a:b:5.0]"),
        ("[[|]|[a|:3]]", "[[|]|[a|:3]]"),
        ("[a:b:-1]", "[a:b:-1]"),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    schedule = read_schedule(text)
    assert schedule
    assert schedule.text == canonical
    assert read_schedule(canonical) == schedule
