"""ComfyUI's absolute weights."""

import pytest

from garasu.prompts.prompt import LIMIT
from garasu.prompts.syntax import parse


def pieces(text: str) -> list[tuple[str, float]]:
    (said,) = parse(text, "comfy").at(1, 1)
    return [(fragment.text, fragment.weight) for fragment in said.sections[0]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a (cat) ((dog))", [("a ", 1.0), ("cat", 1.1), (" ", 1.0), ("dog", 1.1 * 1.1)]),
        ("((a:1.3) b)", [("a", 1.3), (" b", 1.1)]),  # inside: absolute
        ("((a) b:1.3)", [("a", 1.3 * 1.1), (" b", 1.3)]),  # and a bare pair goes on from there
        ("(a (b:0.5) c:2)", [("a ", 2.0), ("b", 0.5), (" c", 2.0)]),
        ("[a] [b:c:5] BREAK", [("[a] [b:c:5] BREAK", 1.0)]),
        (r"\(a\) \[ \\", [(r"(a) \[ \\", 1.0)]),
        ("(a: 1e-1 )", [("a", 0.1)]),
        ("(a:inf)(b:nan)", [("a:infb:nan", 1.1)]),
        ("(:1.3)", [(":1.3", 1.1)]),
        ("((a):1.3)", [("a", 1.3 * 1.1)]),
        ("(a:1:2)", [("a:1", 2.0)]),
        ("(a", [("(a", 1.0)]),
        ("a) (b)", [("a) ", 1.0), ("b", 1.1)]),
        ("(" * 1000 + "a" + ")" * 1000, [("a", LIMIT)]),
    ],
)
def test_weights(text: str, said: list[tuple[str, float]]) -> None:
    assert pieces(text) == said


def test_a_backslash_at_the_end_of_a_piece_does_not_escape_what_follows() -> None:
    prompt = parse("(a\\:1)(b)", "comfy")
    assert pieces(str(prompt)) == [("a\\", 1.0), ("b", 1.1)]
