"""Prompts that are hard to read: random strings of signs, the same for every run."""

import random
from collections.abc import Iterator, Sequence

SIGNS = {
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
            ">",
            "a",
            "b ",
            " ",
            ":1.3)",
            ":0.5)",
            ":-1)",
            ":5]",
            ":0.5]",
            "[x:",
        ),
        *(
            "[|",
            " BREAK ",
            "BREAK",
            " AND ",
            "AND",
            ":2",
            ":0.3 ",
            "<lora:x:1>",
            "<lora:",
            "\n",
            "16:9",
            "(red:1.1)",
            "é",
        ),
    ),
    "novelai": ("{", "}", "[", "]", "|", ":", "\\", "a", "b ", " ", ":0.5", ":-1", ":2|", "{red}", "(", ")", "\n"),
    "comfy": (
        "(",
        ")",
        "\\",
        ":",
        "a",
        "b ",
        " ",
        ":1.3)",
        ":0.5 )",
        ":1e-1)",
        ":-1)",
        "[",
        "]",
        "\\(",
        "\\)",
        "(red:1.1)",
    ),
    "compel": (
        *(
            "(",
            ")",
            '"',
            "+",
            "-",
            "++",
            "--",
            " ",
            " ",
            "a",
            "b",
            "cat",
            "dog ",
            ")1.3",
            ")0.5",
            ", ",
            ",",
            ".",
            "=",
            "\\",
        ),
        *(
            "\\(",
            '\\"',
            "1",
            ".attend(++)",
            ".swap(b)",
            ".and()",
            ".blend(1, 2)",
            '("a", "b")',
            "withLora(x, 0.5)",
            "\n",
        ),
    ),
    "plain": ("(", "a", " ", "\\", "\n"),
}


def floods(syntax: str, count: int, seed: int, longest: int = 24, signs: Sequence[str] = ()) -> Iterator[str]:
    """``count`` strings of up to ``longest`` signs of a syntax."""
    draw = random.Random(f"{syntax}{seed}")
    for _ in range(count):
        yield "".join(draw.choices(signs or SIGNS[syntax], k=draw.randint(0, longest)))
