"""NovelAI's braces and mixes."""

import math

import pytest

from garasu.prompts.syntax import parse


def pieces(text: str) -> list[tuple[str, float]]:
    (said,) = parse(text, "novelai").at(1, 1)
    return [(fragment.text, fragment.weight) for fragment in said.sections[0]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a {cat}", [("a ", 1.0), ("cat", 1.05)]),
        ("{{a}} [b] [[c]]", [("a", 1.05**2), (" ", 1.0), ("b", 1 / 1.05), (" ", 1.0), ("c", 1.05**-2)]),
        ("{a [b] c}", [("a ", 1.05), ("b", 1.0), (" c", 1.05)]),
        ("(a:1.3) BREAK AND", [("(a:1.3) BREAK AND", 1.0)]),
        ("{a", [("a", 1.05)]),
        ("a} b]", [("a} b]", 1.0)]),
        (r"\{a\} \| \n", [(r"{a} | \n", 1.0)]),
        ("16:9", [("16:9", 1.0)]),
        ("{ a }", [("a", 1.05)]),
    ],
)
def test_weights(text: str, said: list[tuple[str, float]]) -> None:
    assert pieces(text) == said


@pytest.mark.parametrize(
    ("text", "mix"),
    [
        ("a:0.7|b:0.3", [("a", 0.7), ("b", 0.3)]),
        ("a|b", [("a", 0.5), ("b", 0.5)]),
        ("a:3|b", [("a", 0.75), ("b", 0.25)]),
        ("a:1|b:-0.5", [("a", 2.0), ("b", -1.0)]),
        ("a:1|b:-1", [("a", 1.0), ("b", -1.0)]),  # a sum of 0 normalises nothing
        (r"a\:2|b", [("a:2", 0.5), ("b", 0.5)]),
    ],
)
def test_a_mix_has_weights_that_sum_to_one(text: str, mix: list[tuple[str, float]]) -> None:
    prompt = parse(text, "novelai")
    assert prompt.join == "mix"
    assert [(said.sections[0][0].text, said.weight) for said in prompt.at(1, 1)] == mix


def test_deep_nesting_is_finite() -> None:
    ((_, weight),) = pieces("{" * 5000 + "a")
    assert math.isclose(weight, 1e30, rel_tol=0.05)
    ((_, weight),) = pieces("{" * 5000 + "[" * 4999 + "a")
    assert weight == 1.05


def test_canonical_text_nests_and_divides_as_little_as_it_can() -> None:
    assert str(parse("{{a}{b}}c[[d", "novelai")) == "{{ab}}c[[d]]"
    assert str(parse("{{a}b}[c]", "novelai")) == "{{a}b}[c]"
    assert str(parse(" a : 2 | b", "novelai")) == "a:0.6666666666666666|b:0.3333333333333333"
