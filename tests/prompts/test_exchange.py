"""Words in a sentence's text."""

from garasu.prompts.exchange import exchange, occurrences


def test_the_text_with_a_word_exchanged():
    assert exchange("A Cat, a cat and cats", "cat", "dog") == "A dog, a dog and cats"
    assert exchange("a cat and a cat", "cat", "dog", 2) == "a cat and a dog"
    assert exchange("a (black  cat:1.2)", "black cat", r"\1") == r"a (\1:1.2)"
    assert list(occurrences("a cat", " ")) == []
