"""What follows from how prompts are read."""

from garasu.prompts.chunks import by_commas, by_words
from garasu.prompts.rules import DEFAULT_RULES, ReadingRules


def test_weights_act_as_in_the_tool_of_the_syntax_or_as_chosen() -> None:
    own = [ReadingRules(syntax).weighting for syntax in ("a1111", "novelai", "comfy", "compel", "plain", "algebra")]
    assert own == ["a1111", "a1111", "comfy", "compel", "ignore", "a1111"]
    assert ReadingRules("comfy", emphasis="no-norm").weighting == "no-norm"


def test_long_prompts_are_divided_as_in_the_tool_of_the_syntax() -> None:
    assert ReadingRules("comfy").split is by_words
    assert ReadingRules("plain").split is by_commas


def test_words_in_an_expression_are_read_as_a1111_does() -> None:
    rules = ReadingRules("algebra", "comfy", 2, False, 3)
    assert rules.of_words == ReadingRules("a1111", "comfy", 2, False, 3)
    assert ReadingRules("novelai").of_words == ReadingRules("novelai")
    assert DEFAULT_RULES.of_words is DEFAULT_RULES
