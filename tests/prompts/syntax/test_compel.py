"""compel's syntax, against compel's own parser."""

import random
import re
from collections.abc import Iterable, Iterator

import pytest
from tests.prompts.syntax.bracket_floods import SIGNS, floods

from garasu.prompts.prompt import Fragment, Network
from garasu.prompts.syntax import parse

Pieces = list[tuple[str, float]]


def sections(text: str) -> list[Pieces]:
    return [
        [(one.text, one.weight) for one in section]
        for said in parse(text, "compel").at(1, 1)
        for section in said.sections
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a  cat+ x", [("a", 1.0), ("cat", 1.1), ("x", 1.0)]),
        ("cat-- (a b)1.3", [("cat", 0.81), ("a b", 1.3)]),
        ("(a (b)1.3 c)++", [("a", 1.2100000000000002), ("b", 1.5730000000000004), ("c", 1.2100000000000002)]),
        ('"a \\"b\\" c"++', [('a "b" c', 1.2100000000000002)]),
        ("cat +", [("cat +", 1.0)]),
        ("x(a)+", [("x(a)+", 1.0)]),
        ("(a (b", [("(a (b", 1.0)]),
        (r"\(a\)", [("(a)", 1.0)]),
        ("a,b", [("a, b", 1.0)]),
        ("(v1.5)+", [("v1 . 5", 1.1)]),
        ("(a).attend(1.5) b.attend(--)", [("a", 1.5), ("b", 0.81)]),
        ("a cat.swap(small dog, s_start=0.5) here", [("a small dog here", 1.0)]),
        ("+" * 3, [("+++", 1.0)]),
        ("a" + "+" * 5000, [("a", 1e30)]),
        ("()+ ", []),
    ],
)
def test_weights(text: str, said: Pieces) -> None:
    assert sections(text) == [said]


def test_and_makes_sections() -> None:
    assert sections('("a b", "c+", d).and()') == [[("a b", 1.0)], [("c", 1.1)], [("d", 1.0)]]
    assert sections('("a", "b++").and(1, 0.5)') == [[("a", 1.0)], [("b", 0.5 * 1.1**2)]]
    assert str(parse("(a, b).add()", "compel")) == '("a", "b").and()'


def test_blend_mixes() -> None:
    prompt = parse('("a b", "c").blend(3, 1)', "compel")
    assert prompt.join == "mix"
    assert [said.weight for said in prompt.at(1, 1)] == [0.75, 0.25]
    raw = parse('("a", "b").blend(1, 1, no_normalize)', "compel")
    assert [said.weight for said in raw.at(1, 1)] == [1.0, 1.0]
    assert parse(str(raw), "compel") == raw
    assert [said.weight for said in parse('("a", "b").blend(0.5)', "compel").at(1, 1)] == pytest.approx([1 / 3, 2 / 3])


@pytest.mark.parametrize("text", ['("a", "b").and() c', '("a", "b").blend(x)', '("a", "b"', "(a b).and()", "(a, b)"])
def test_what_is_not_quite_a_list_is_words(text: str) -> None:
    prompt = parse(text, "compel")
    assert len(prompt.parts) == len(prompt.at(1, 1)[0].sections) == 1


def test_networks() -> None:
    prompt = parse("a withLora(ink, 0.8) cat useLora(oil)", "compel")
    assert prompt.networks == (Network("lora", "ink", ("0.8",)), Network("lora", "oil"))
    assert prompt.at(1, 1)[0].sections == ((Fragment("a cat"),),)


def test_words_that_can_be_said_in_one_way_only_stay_as_typed() -> None:
    assert str(parse("a+ (b) c", "compel")) == "(a)1.1 b c"
    assert str(parse("(cat+ = b )+", "compel")) == "(cat+ = b )+"


def well_formed(draw: random.Random, depth: int) -> str:
    words = [_word(draw, depth) for _ in range(draw.randint(1, 4))]
    return " ".join(words)


def _word(draw: random.Random, depth: int) -> str:
    plain = draw.choice(["cat", "a", "v1.5", "red,", "x-ray", r"\(b\)", ".", "don't", "16:9"])
    mark = draw.choice(["", "", "+", "++", "-", "---"])
    if depth == 0 or draw.random() < 0.5:
        return plain + mark
    inside = well_formed(draw, depth - 1)
    number = draw.choice([mark, "1.3", "0.5", ".25", "2", ".attend(1.2)"])
    return f"({inside}){number}" if '"' in inside or draw.random() < 0.7 else f'"{inside}"{number}'


def prompts() -> Iterator[str]:
    draw = random.Random(11)
    for _ in range(2500):
        text = well_formed(draw, 2)
        joined = ('("{}", "{}").and()', '("{}", "{}").blend(0.3, 0.7)')
        quoted = text.replace('"', "")
        yield draw.choice(joined).format(quoted, quoted) if draw.random() < 0.15 else text
    yield from floods(
        "compel", 2600, seed=5, longest=10, signs=[sign for sign in SIGNS["compel"] if ".swap" not in sign]
    )


def test_five_thousand_prompts_are_read_as_compel_reads_them() -> None:
    """But for what compel refuses, and what it silently drops behind a list; commas are followed by a space in both."""
    oracle = pytest.importorskip("compel.prompt_parser", reason="compel is the oracle")
    pyparsing = pytest.importorskip("pyparsing")
    pyparsing.ParserElement.enable_packrat(None)  # without its memory, nested parentheses take exponential time
    parser = oracle.PromptParser()
    agreed = refused = weighted = joined = 0
    for text in prompts():
        try:
            read = parser.parse_conjunction(text)
        except pyparsing.ParseException:
            refused += 1
            continue
        blend = isinstance(read.prompts[0], oracle.Blend) if read.prompts else False
        theirs = [_plain((one.text, one.weight) for one in part.children) for part in _members(read, blend)] or [[]]
        if len(theirs) > 1 and not text.rstrip().endswith(")"):
            continue  # words behind a list, which compel drops and we do not
        ours = [_plain(section) for section in sections(text)]
        assert ours == theirs, text
        if blend:
            assert [said.weight for said in parse(text, "compel").at(1, 1)] == read.prompts[0].weights
        agreed += 1
        weighted += any(weight != 1 for section in ours for _, weight in section)
        joined += len(ours) > 1
    assert agreed >= 5000
    assert refused < 50
    assert weighted > 1500
    assert joined > 250


def _members(read: object, blend: bool) -> list:
    return read.prompts[0].prompts if blend else read.prompts


def _plain(pieces: Iterable[tuple[str, float]]) -> Pieces:
    """White space as one space, one behind each comma; no empty pieces."""
    found: Pieces = []
    for text, weight in pieces:
        words = " ".join(re.sub(r",(?=\S)", ", ", text).split())
        if found and words and found[-1][1] == weight:
            found[-1] = (f"{found[-1][0]} {words}", weight)
        elif words:
            found.append((words, weight))
    return found
