"""The language: what is read, how it is printed, and what is said of what cannot be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from garasu.prompts.expression import Expression, ExpressionError, read_expression
from garasu.prompts.expression.kinds import FUNCTIONS
from garasu.prompts.expression.nodes import Call, Change, Node, Number, Product, Sum, Text, Variable, negated

SIGNS = st.sampled_from("+-*/(){},#->=><\"'\\ \n0123456789.eEtabcat é猫")


def prompts(values: st.SearchStrategy[Node] | None = None) -> st.SearchStrategy[Text]:
    texts = st.one_of(st.sampled_from(["cat", "tabby cat", "t", "lerp", "a*b*", 'say "hi" \\', "", "1girl"]), st.text())
    if values is None:
        return st.builds(Text, st.just(1), texts)
    nth = st.one_of(st.none(), st.integers(1, 10**6))
    changes = st.builds(Change, st.just(1), texts, nth, st.booleans(), values)
    return st.builds(Text, st.just(1), texts, st.lists(changes, min_size=1, max_size=3).map(tuple))


def many(kind: type[Sum] | type[Product], signs: str, parts: list[st.SearchStrategy[Node]]) -> st.SearchStrategy[Node]:
    rest = st.tuples(*(st.sampled_from(signs) for _ in parts[1:]))
    return st.builds(kind, st.just(1), rest.map(lambda some: (signs[0], *some)), st.tuples(*parts))


def trees(numbers: st.SearchStrategy[Node], inside: st.SearchStrategy[Text]) -> st.SearchStrategy[Node]:
    """Conditionings of every shape."""
    return st.recursive(
        inside,
        lambda some: st.one_of(
            st.one_of(*(many(Sum, "+-", [some] * count) for count in (2, 3))),
            many(Product, "*", [numbers, some]),
            many(Product, "*/", [some, numbers, numbers]),
            some.map(lambda node: negated(node, 1)),
            st.builds(lambda *given: Call(1, "lerp", given), some, some, numbers),
            st.builds(lambda *given: Call(1, "mean", given), some, some, some),
            st.builds(lambda *given: Call(1, "normalise", given), some, st.one_of(some, numbers)),
        ),
        max_leaves=8,
    )


PLAIN = st.builds(Number, st.just(1), st.floats(allow_nan=False, allow_infinity=False))
LETTERS = st.builds(Variable, st.just(1), st.sampled_from("txz"))
NUMBERS = st.recursive(
    st.one_of(PLAIN, LETTERS),
    lambda some: st.one_of(
        many(Sum, "+-", [some, some]),
        many(Product, "*/", [some, some]),
        some.map(lambda node: negated(node, 1)),
        prompts().map(lambda node: Call(1, "norm", (node,))),
    ),
    max_leaves=4,
)
TREES = trees(NUMBERS, st.one_of(prompts(), prompts(trees(NUMBERS, prompts()))))


@given(TREES)
def test_what_is_printed_reads_back_equal(tree):
    text = str(tree)
    assert read_expression(text) == Expression(tree, text)
    assert str(read_expression(text)) == text


@given(st.text(SIGNS, max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        found = read_expression(text)
    except ExpressionError as error:
        assert 1 <= error.column <= len(text) + 1
    else:
        assert read_expression(str(found)) == found


@given(TREES, st.floats(allow_nan=False, allow_infinity=False))
def test_bound_numbers_can_be_printed_and_read(tree, number):
    found = Expression(tree, "").bind(t=number, x=0.5)
    assert found.variables <= {"z"}
    assert read_expression(str(found)) == found


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("cat + 0.43*tabby", "cat + 0.43*tabby"),
        ("lerp( cat,kitten ,.5 )", "lerp(cat, kitten, 0.5)"),
        ('"a drawing of a cat"{cat -> lerp(cat,kitten,.3)}', '"a drawing of a cat"{cat -> lerp(cat, kitten, 0.3)}'),
        ('"a drawing of a *cat*"{-> kitten}', '"a drawing of a cat"{cat -> kitten}'),
        ('"a cat, a *cat*"{-> kitten}', '"a cat, a cat"{cat#2 -> kitten}'),
        ("black   cat", "black cat"),
        ('"black cat"', "black cat"),
        ('"black  cat"', '"black  cat"'),
        ('"(black:1.3) cat"', '"(black:1.3) cat"'),
        (r'"a \(b\)"', r'"a \(b\)"'),
        (r'"a \"b\\"', r'"a \"b\\"'),
        ('"t"', '"t"'),
        ('t*"t"', 't*"t"'),
        ("a cat", "a cat"),
        ("cat{cat += 0.4*tabby}", "cat{cat -> cat + 0.4*tabby}"),
        ("cat{cat -= t*tabby}", "cat{cat -> cat - t*tabby}"),
        ("cat{cat#1 *= 1.30}", "cat{cat#1 -> cat*1.3}"),
        ("black cat{black->white,cat=>dog}", '"black cat"{black -> white, cat => dog}'),
        ("(cat + dog) - (kitten - tabby)", "(cat + dog) - (kitten - tabby)"),
        ("((cat)+dog)*2", "(cat + dog)*2"),
        ("-.5*cat - -cat", "-0.5*cat - -cat"),
        ("cat/2/(3*4)", "cat/2/(3*4)"),
        ("lerp", "lerp"),
        ("猫 + chaton d'été", "猫 + chaton d'été"),
    ],
)
def test_the_canonical_form(text, canonical):
    assert str(read_expression(text)) == canonical
    assert read_expression(canonical) == read_expression(text)


def test_variables_are_single_small_letters_by_themselves():
    assert read_expression("x*a cat + t*T shirt + B").variables == {"x", "t"}
    assert read_expression("lerp(cat, kitten, s)*norm(cat{cat -> t*dog})").variables == {"s", "t"}


def test_binding():
    some = read_expression("lerp(cat, kitten, t) + x*tabby")
    assert str(some.bind(t=0.25)) == "lerp(cat, kitten, 0.25) + x*tabby"
    assert str(some.bind(t=1, x=-0.43, z=3)) == "lerp(cat, kitten, 1) + -0.43*tabby"
    assert some.variables == {"t", "x"}, "it is another expression"


def test_every_function_shows_how_it_is_used():
    for name, function in FUNCTIONS.items():
        with pytest.raises(ExpressionError, match="takes") as caught:
            read_expression(f"{name}(1, 2, 3, 4, 5)*cat")
        assert function.usage in str(caught.value)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "something is missing at the end"),
        ("cat +", 6, "something is missing at the end"),
        ("cat ** 2", 6, r"'\*' cannot stand here"),
        ("cat, dog", 4, "a comma separates arguments only: a prompt with commas stands in quotes"),
        ("cat)", 4, r"'\)' cannot stand here"),
        ("2 * (cat + dog", 15, r"a bracket is not closed: add \)"),
        ("lerp(cat, dog, 1", 17, r"lerp\( is not closed"),
        ("cat + 1girl", 8, "a number stands beside a prompt"),
        ("2cats", 2, r"write 2\*…, or all of the prompt in quotes"),
        ("cats 2", 6, "two prompts stand side by side"),
        ('big "cat"', 5, "two prompts stand side by side"),
        ('cat + "dog', 7, "the quotes are not closed"),
        ("cat ! dog", 5, "'!' has no meaning here: put it in quotes"),
        ("cat * kitten", 7, "two prompts cannot be multiplied"),
        ("2 / kitten", 5, "nothing can be divided by a prompt"),
        ("cat + 0.4", 7, r"as in 0\.4\*tabby"),
        ("t + cat", 5, r"as in t\*tabby"),
        ("  3", 1, "this is a number and no prompt"),
        ("cat + slurp(dog, 1)", 7, "'slurp' is no function; there are lerp"),
        ('"lerp"(dog, 1)', 1, "is no function"),
        ("big lerp(cat)", 1, "'big lerp' is no function"),
        ("dog + lerp(cat, dog)", 7, r"lerp takes lerp\(from, to, number\), not \(a prompt, a prompt\)"),
        ("1e999*cat", 1, "too large"),
        ("cat{cat}", 8, "how does the word change"),
        ("cat{cat -> dog", 15, "the changes are not closed"),
        ("cat{cat -> dog}{cat -> dog}", 16, r"within the same { }"),
        ("cat{cat -> dog{dog -> cat}}", 15, "a change of its own"),
        ("cat{cat -> 2}", 12, r"write {cat \*= 1\.3}"),
        ("cat{cat#x -> dog}", 9, "after # stands which of several"),
        ("cat{cat#0 -> dog}", 9, "after # stands"),
        ("cat{-> dog}", 5, "which word changes"),
        ('"*a* *cat*"{-> dog}', 13, "which word changes"),
        ('"*ca*t"{-> dog}', 9, "'ca' is no whole word"),
        ("(cat){cat -> dog}", 6, "'{' cannot stand here"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text, column, message):
    with pytest.raises(ExpressionError, match=message) as caught:
        read_expression(text)
    assert caught.value.column == column
    assert f"(column {column} of the expression: {text})" in str(caught.value)


def test_a_long_text_is_shown_around_the_place():
    with pytest.raises(ExpressionError) as caught:
        read_expression("cat + " * 100 + "? + " + "cat + " * 100)
    assert str(caught.value).endswith(f"(column 601 of the expression: …{'cat + ' * 5}? + {'cat + ' * 4}ca…)")


@pytest.mark.parametrize("opening", ["(", "-", "lerp(", "cat{cat -> ", "((-"])
def test_deep_nesting_is_refused(opening):
    with pytest.raises(ExpressionError, match=r"more than 50 brackets or signs|a change of its own"):
        read_expression(opening * 100_000 + "cat")


@pytest.mark.parametrize("sign", ["+", "-"])
def test_long_sums_are_fine(sign):
    text = f" {sign} ".join(["cat"] * 20_000)
    assert str(read_expression(text)) == text
