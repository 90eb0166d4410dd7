"""A1111's emphasis, on texts without a schedule."""

import math

import pytest

from garasu.prompts.prompt import LIMIT
from garasu.prompts.syntax.brackets import read_emphasis, write_emphasis


def pieces(text: str) -> list[tuple[str, float]]:
    (section,) = read_emphasis(text)
    return [(fragment.text, fragment.weight) for fragment in section]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("normal text", [("normal text", 1.0)]),
        ("an (important) word", [("an ", 1.0), ("important", 1.1), (" word", 1.0)]),
        ("(unbalanced", [("unbalanced", 1.1)]),
        (r"\(literal\]", [("(literal]", 1.0)]),
        ("(unnecessary)(parens)", [("unnecessaryparens", 1.1)]),
        (
            "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
            [
                *(("a ", 1.0), ("house", 1.5730000000000004), (" ", 1.1), ("on", 1.0), (" a ", 1.1), ("hill", 0.55)),
                *((", sun, ", 1.1), ("sky", 1.4641000000000006), (".", 1.1)),
            ],
        ),
        ("a) b]", [("a) b]", 1.0)]),  # closers that close nothing
        ("[a:1.3]", [("a:1.3", 1 / 1.1)]),  # no weight in square brackets
        ("a:1.3)", [("a:1.3)", 1.0)]),  # nor where none is open
        ("(a: 1.3 )", [("a", 1.3)]),
        ("(a:-1)(b:+.5)(c:0)", [("a", -1.0), ("b", 0.5), ("c", 0.0)]),
        ("(a:1.2.3)", [("a:1.2.3", 1.1)]),
        ("(a [b) c]", [("a ", 1.1), ("b", 1.0), (" c", 1 / 1.1)]),  # shapes may cross
        (r"a \lone \\ \(", [("a lone \\ (", 1.0)]),
        ("()[]", []),
        ("", []),
    ],
)
def test_weights(text: str, said: list[tuple[str, float]]) -> None:
    assert pieces(text) == said


def test_break_divides_and_eats_white_space() -> None:
    assert [[one.text for one in section] for section in read_emphasis("a \n BREAK  (b) BREAK BREAK c")] == [
        ["a"],
        ["b"],
        [],
        ["c"],
    ]
    assert [len(section) for section in read_emphasis("BREAK a BREAKFAST BREAK")] == [0, 1, 0]


def test_break_in_brackets_is_a_word_of_negative_weight_unless_they_multiply_by_one() -> None:
    assert pieces("(a BREAK b)") == [("a", 1.1), ("BREAK", -1.1), ("b", 1.1)]
    assert len(read_emphasis("(a BREAK b:1)")) == 2


@pytest.mark.parametrize("depth", [1, 5, 16, 17, 40, 300])
def test_nesting_multiplies_at_any_depth(depth: int) -> None:
    (more,) = pieces("(" * depth + "x")
    (less,) = pieces("[" * depth + "x" + "]" * depth)
    (both,) = pieces("([" * depth + "x" + "])" * depth)
    assert math.isclose(more[1], 1.1**depth, rel_tol=1e-12)
    assert math.isclose(less[1], 1.1**-depth, rel_tol=1e-12)
    assert math.isclose(both[1], 1.0, rel_tol=1e-12)


def test_what_is_too_deep_to_matter_is_finite() -> None:
    assert pieces("(" * 800 + "x") == [("x", LIMIT)]
    assert pieces("[" * 800 + "x") == [("x", 0.0)]
    assert pieces("(x:1" + "0" * 400 + ")") == [("x", LIMIT)]
    ((_, weight),) = pieces("(" * 20_000 + "[" * 20_000 + "x")  # overflows on the way, not in the end
    assert math.isclose(weight, 1.0, rel_tol=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "a BREAK b",
        "\\ a \\ BREAK \\ b \\",
        "(a :1.5)BREAK(b BREAK)",
        "B\\REAK A\\ND",
        r"\( \\ \] <\lora:",
        "(x:0.00001)",
    ],
)
def test_written_text_reads_the_same(text: str) -> None:
    sections = read_emphasis(text)
    assert read_emphasis(write_emphasis(sections)) == sections
