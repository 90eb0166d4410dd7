"""No syntax."""

from garasu.prompts.prompt import Fragment
from garasu.prompts.syntax import parse


def test_every_character_stands_for_itself() -> None:
    text = r"a (cat:1.3) [b|c] \( BREAK AND <lora:x:1> "
    prompt = parse(text, "plain")
    assert prompt.at(3, 5)[0].sections == ((Fragment(text),),)
    assert str(prompt) == text
    assert prompt.changes(5) == (5,)
    assert parse("", "plain").at(1, 1)[0].sections == ((),)
