"""docs/guides/prompts.md does what it says, on the bundled model."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from garasu.model import BUNDLED

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "prompts.md"


def test_the_guides_examples_print_what_it_says() -> None:
    if not (BUNDLED / "model_index.json").is_file():
        pytest.skip("the bundled model is not there yet")
    blocks = re.findall(r"```pycon\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    example = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, GUIDE.name, str(GUIDE), 0)
    assert len(example.examples) > 15
    failures: list[str] = []
    doctest.DocTestRunner().run(example, out=failures.append)
    assert not failures, "".join(failures)
