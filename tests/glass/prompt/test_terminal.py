import re

import pytest

from garasu.glass.prompt import inspect_prompt
from garasu.glass.prompt.report import Stretch
from garasu.glass.prompt.terminal import spans
from garasu.prompts.rules import ReadingRules


def test_a_prompt_in_writing(tiny):
    text = inspect_prompt(tiny, "black (cat:1.25), bozu", ["dog"]).text()
    ids = tiny.tokenizer.vocabulary.ids
    assert re.search(rf"^ +1 +{ids['black</w>']}  black</w> +1 ", text, re.M)
    assert re.search(rf"^ +2 +{ids['cat</w>']}  cat</w> +1\.25 ", text, re.M)
    for place, piece in enumerate(["b", "o", "z", "u</w>"], start=4):
        assert re.search(rf"^ +{place} +{ids[piece]}  {piece} +1 ", text, re.M)
    assert re.search(rf"^ +9-76 +{tiny.tokenizer.pad_id}  68 × padding ", text, re.M)
    assert "77 × 32: one chunk of 77" in text
    assert re.search(r"^black \(cat:1\.25\), bozu / dog +-?0\.\d{3} ", text, re.M)
    assert "difference of the rows, its length: black (cat:1.25), bozu / dog" in text
    assert re.search(r"^ +0  start of text +start of text +", text, re.M)
    assert re.search(r"^ +1  black</w> +dog</w> +\d+\.\d{3} █", text, re.M)


def test_chunks_moves_and_cuts_in_writing(tiny):
    text = inspect_prompt(tiny, "cat, " * 30 + "black " * 40 + "dog " * 60, rules=ReadingRules(max_chunks=2)).text()
    assert "154 × 32: 2 chunks of 77" in text
    assert "chunk 2: its first 15 tokens moved here, back to a comma" in text
    assert "cut: 25 tokens, 'dog dog dog" in text


def test_each_stretch_of_steps_in_writing(tiny):
    text = inspect_prompt(tiny, "[cat:dog:4] AND black:0.5", steps=10).text()
    for line in ("'cat', steps 1 to 4", "'dog', steps 5 to 10", "'black', steps 1 to 4, 5 to 10, weight 0.5"):
        assert f"\n{line}\n" in text
    assert "made of 'dog'" in inspect_prompt(tiny, "cat|dog", rules=ReadingRules(syntax="novelai")).text()


@pytest.mark.parametrize("prompt", ["", "cat " * 300, "(" * 20 + "c" * 400, "[cat|dog|black]" * 3, "猫😀\n\t"])
def test_no_line_is_longer_than_a_terminal(tiny, prompt):
    lines = inspect_prompt(tiny, prompt, ["dog " * 90]).text().splitlines()
    assert max(map(len, lines)) <= 100


def test_a_prompt_cannot_write_to_the_terminal(tiny):
    text = inspect_prompt(tiny, "cat \x1b[31m dog\n\nblack", ["dog\r\ncat"]).text()
    assert "\x1b" not in text
    assert re.search(r"^cat �\[31m dog black / dog cat +", text, re.M)


def test_many_stretches_are_cut_short():
    assert spans([Stretch(step, step, 1.0) for step in range(1, 26, 2)]) == "steps 1, 3, 5, 7, 9, 11, …, 25"
    assert spans([Stretch(1, 3, 0.25), Stretch(5, 5, 1.0)]) == "steps 1 to 3, 5, weight 0.25 or 1"
    assert spans([]) == ""
