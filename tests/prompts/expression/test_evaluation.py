"""What expressions come to: the operations of algebra, on what a text encoder says."""

import pytest
import torch

from garasu.prompts import algebra
from garasu.prompts.conditioning import Conditioning
from garasu.prompts.expression import ExpressionError, read_expression
from garasu.prompts.word_edits import nudge_word, replace_word


@pytest.fixture
def value(tiny):
    return lambda text, **numbers: read_expression(text).evaluate(tiny.encode, numbers).tensor


@pytest.fixture
def words(tiny):
    return lambda text: tiny.encode(text).tensor


def same(ours: torch.Tensor, expected: torch.Tensor) -> None:
    assert torch.allclose(ours, expected, rtol=0, atol=2e-6)


def test_operators(value, words):
    cat, dog = words("cat"), words("black dog")
    same(value("cat + 0.43*black dog"), cat + 0.43 * dog)
    same(value("cat - black dog - 2*(cat - black dog)"), dog - cat)
    same(value("-cat/4*2"), -cat / 2)
    same(value("(1 + 2)*3/(4 - 1)*cat"), 3 * cat)
    same(value("(1 - 3)*-cat"), 2 * cat)
    same(value('"(cat:1.3), dog"'), words("(cat:1.3), dog"))


def test_functions(value, words):
    cat, dog = words("cat"), words("dog")
    same(value("lerp(cat, dog, .3)"), algebra.lerp(cat, dog, 0.3))
    same(value("slerp(cat, dog, .3)"), algebra.slerp(cat, dog, 0.3))
    same(value("mean(cat, dog, dog)"), (cat + 2 * dog) / 3)
    same(value("project_out(cat, dog)"), algebra.project_out(cat, dog))
    same(value("normalise(3*cat, dog)"), algebra.normalise(cat, dog))
    same(value("normalise(cat, 2 + 1)"), algebra.normalise(cat, 3))
    same(value("cat*norm(dog)/norm(cat)"), cat * algebra.norm(dog) / algebra.norm(cat))


def test_variables(value, words):
    same(value("lerp(cat, dog, t) + x*dog", t=0.25, x=-1), 0.75 * words("cat") - 0.75 * words("dog"))


def test_changed_words_are_those_of_word_edits(value, tiny):
    text = "a black cat"
    same(value(f'"{text}"{{cat -> dog}}'), replace_word(tiny.encode, text, "cat", "dog").tensor)
    same(value(f'"{text}"{{cat => dog}}'), replace_word(tiny.encode, text, "cat", "dog", ends=True).tensor)
    same(
        value(f'"{text}"{{cat -> lerp(cat, dog, t)}}', t=0.3), replace_word(tiny.encode, text, "cat", "dog", 0.3).tensor
    )
    same(value(f'"{text}"{{cat += 0.4*dog}}'), nudge_word(tiny.encode, text, "cat", "dog", 0.4).tensor)
    same(value(f'"{text}"{{cat -= 0.4*dog}}'), nudge_word(tiny.encode, text, "cat", "dog", -0.4).tensor)
    same(value('"cat a *cat*"{*= 1.3}')[:, 3], 1.3 * tiny.encode("cat a cat").tensor[:, 3])


def test_a_changed_sentence_is_a_value_like_others(value, words):
    changed = value("cat{cat -> dog}")
    same(value("lerp(cat, cat{cat -> dog}, 0.5)"), (words("cat") + changed) / 2)


def test_every_text_is_encoded_once(tiny):
    texts: list[str] = []

    def encode(text: str) -> Conditioning:
        texts.append(text)
        return tiny.encode(text)

    some = read_expression('cat + cat - 2*lerp(cat, dog, .1) + "a cat"{cat -> lerp(cat, dog, .3), a -> "i" + cat}')
    some.evaluate(encode)
    assert some.prompts == ("cat", "dog", "a cat", "a dog", "i cat", "cat cat")
    assert sorted(texts) == sorted(some.prompts)


def chunky(text: str) -> Conditioning:
    """A chunk of 77 tokens for each letter of the text; the empty text has one of zeros."""
    return Conditioning(torch.cat([torch.full((1, 77, 4), float(ord(one))) for one in text or "\0"], 1))


def test_chunks_are_aligned_with_the_empty_prompts(value):
    found = read_expression("cat + 2*be").evaluate(chunky).tensor
    assert found[0, ::77, 0].tolist() == [ord("c") + 2 * ord("b"), ord("a") + 2 * ord("e"), ord("t")]


def test_the_number_format_is_the_encoders(tiny):
    def half(text: str) -> Conditioning:
        words = tiny.encode(text)
        return Conditioning(words.tensor.bfloat16(), words.tokens)

    found = read_expression("1000*cat - 999*cat{cat -> dog}").evaluate(half).tensor
    assert found.dtype == torch.bfloat16
    cat, dog = half("cat").tensor.float(), half("dog").tensor.float()
    assert torch.equal(found[:, 1], (1000 * cat - 999 * dog).bfloat16()[:, 1]), "computed in float32"


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("cat + t*dog", 7, 't has no value: bind one, or write "t" in quotes for the word'),
        ("cat + dog/(1 - 1)", 12, "this is 0, and nothing can be divided by 0"),
        ("cat + dog{cat -> dog}", 7, "there is no word 'cat' in 'dog'"),
        ("cat + 1e200*1e200*dog", 7, "the factor must be a finite number"),
        ("1e38*cat*1000", 1, "the result is not finite"),
    ],
)
def test_what_cannot_be_computed_is_said_with_its_place(tiny, text, column, message):
    with pytest.raises(ExpressionError, match=message) as caught:
        read_expression(text).evaluate(tiny.encode)
    assert caught.value.column == column


def test_only_finite_numbers_can_be_bound():
    with pytest.raises(ExpressionError, match="t must be a finite number, not nan"):
        read_expression("t*cat").bind(t=float("nan"))
