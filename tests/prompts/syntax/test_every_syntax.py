"""What holds for all syntaxes: any text is a prompt, at once, and its printed form is the same prompt."""

import itertools
import random
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.prompts.syntax.bracket_floods import floods

from garasu.prompts.prompt import LIMIT, Prompt, PromptError
from garasu.prompts.syntax import SYNTAXES, parse

COUNT = 100_000
SIGNS = '()[]{}|:<>\\"+-=,.1 '
UNITS = {
    "a1111": (
        *(
            "(",
            ")",
            "[",
            "]",
            ":",
            "|",
            "\\",
            "<",
            "a(",
            "a[",
            "[a:",
            "[a|",
            "(a:",
            "[:",
            "::8]",
            "[|]",
            "[a:b:.5]",
            "([",
            "[(",
        ),
        *(
            "(:1.1)",
            "(a:1.1)[",
            "a(b[c",
            "a)b]",
            "\\(",
            "<lora:",
            "<lora:a>",
            "BREAK(",
            "BREAK ",
            "1",
            ": ",
            "x\n",
            " ",
        ),
    ),
    "novelai": ("{", "}", "[", "]", "|", ":", "\\", "{a", "[a|", "[{", "a:1|", "1"),
    "comfy": ("(", ")", "\\", ":", "a(", "(a:1.1)", "()", "\\(", "(:", "1"),
    "compel": (
        *(
            "(",
            ")",
            '"',
            "\\",
            "+",
            "-",
            ".",
            ",",
            "=",
            " ",
            "( ",
            "(a ",
            "(a, ",
            '"a ',
            '"(',
            '("',
            "a+ ",
            "(a+ ",
            "(( a)+ = ",
        ),
        *("a.swap(", "a.attend(", "(a)1.1", "1.", "x\n", 'x"\n', "withLora(", '(("'),
    ),
    "plain": ("(", "a"),
}


def round_trip(text: str, syntax: str) -> Prompt:
    prompt = parse(text, syntax)
    again = parse(str(prompt), syntax)
    assert again == prompt
    assert hash(again) == hash(prompt)
    assert str(again) == str(prompt)
    return prompt


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_printing_and_parsing_gives_the_same_for_floods_of_brackets(syntax: str) -> None:
    for text in itertools.chain(floods(syntax, 6000, seed=1), floods(syntax, 300, seed=2, longest=200)):
        round_trip(text, syntax)


@pytest.mark.parametrize("syntax", SYNTAXES)
@given(st.text(max_size=40) | st.text(alphabet=SIGNS + "aANDBREK5", max_size=40))
@example("a \\")
@example(" AND ")
@example("B\\REAK A\\ND <\\lora:a> x:\\0.5")
@example("\ud800")
def test_printing_and_parsing_gives_the_same_for_any_text(syntax: str, text: str) -> None:
    round_trip(text, syntax)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_said_is_in_normal_form_with_finite_weights(syntax: str) -> None:
    for text in floods(syntax, 2000, seed=4):
        for said in parse(text, syntax).at(2, 3):
            assert abs(said.weight) <= LIMIT
            assert said.sections
            for section in said.sections:
                assert all(fragment.text and abs(fragment.weight) <= LIMIT for fragment in section)
                assert all(one.weight != other.weight for one, other in itertools.pairwise(section))


@pytest.mark.parametrize(("syntax", "unit"), [(syntax, unit) for syntax in SYNTAXES for unit in UNITS[syntax]])
def test_a_hundred_thousand_signs_do_not_hang(syntax: str, unit: str) -> None:
    signs = sum(sign in SIGNS.strip() for sign in unit) or 1
    _check_quick(unit * (COUNT // signs), syntax)


@pytest.mark.parametrize("syntax", [syntax for syntax in SYNTAXES if syntax != "plain"])
@pytest.mark.parametrize(
    "text",
    [
        "(" * (COUNT // 2) + "x" + ")" * (COUNT // 2),
        "(a" * (COUNT // 2) + ":1.1)" * (COUNT // 2),
        "[a:" * (COUNT // 2) + "x" + ":5]" * (COUNT // 2),
        "[a|" * (COUNT // 2) + "x" + "]" * (COUNT // 2),
        "{[a" * (COUNT // 4) + "]}" * (COUNT // 4),
        "(a" * (COUNT // 4) + "[b" * (COUNT // 4) + ")c" * (COUNT // 4) + "]d" * (COUNT // 4),
        '"' + "(a" * (COUNT // 2) + ")+" * (COUNT // 2) + '"++',
        " AND " * COUNT,
        "".join(random.Random(5).choices('()[]{}|:<>"+ a', k=COUNT)),
        "".join(random.Random(6).choices(["(", "[", "a", ":1.2)", "]", "|", ":0.5]", "{", "}", "[b:"], k=COUNT)),
    ],
    ids=["deep", "weights", "edits", "alternations", "braces", "crossed", "quoted", "AND", "random", "signs"],
)
def test_a_hundred_thousand_brackets_do_not_hang(syntax: str, text: str) -> None:
    _check_quick(text, syntax)


def _check_quick(text: str, syntax: str) -> None:
    """Parsing, resolving and printing take at most 0.5 s each on a quiet core; a slow or busy one may take 3."""
    assert _slowest(text, syntax) < 3
    prompt = parse(text, syntax)
    again = parse(str(prompt), syntax)
    assert again == prompt
    assert hash(again) == hash(prompt)
    assert repr(again) == repr(prompt)


def _slowest(text: str, syntax: str) -> float:
    times = [time.process_time()]
    prompt = parse(text, syntax)
    times.append(time.process_time())
    prompt.at(3, 10)
    times.append(time.process_time())
    str(prompt)
    times.append(time.process_time())
    return max(end - start for start, end in itertools.pairwise(times))


def test_only_an_unknown_syntax_is_refused() -> None:
    with pytest.raises(PromptError, match="choose one of a1111, novelai, comfy, compel, plain"):
        parse("a", "midjourney")
