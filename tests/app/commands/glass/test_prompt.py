"""garasu glass prompt as a user meets it."""

import pytest
from tests.glass.recorded import recorded

from garasu.app.cli import main
from garasu.checkpoints import write_folder


def run(*words):
    with pytest.raises(SystemExit) as left:
        main(["glass", "prompt", *map(str, words)])
    return left.value.code


def test_it_prints_the_prompt_and_writes_a_page(tiny, tmp_path, capsys):
    write_folder(tiny.checkpoint, tmp_path / "model")
    folder = recorded(tiny, tmp_path, prompt="a (black:1.2) cat", negative_prompt="dog").path
    how = ["--model", tmp_path / "model", "--words", 0, "--engine", "plain"]
    assert run(folder, *how, "-o", tmp_path / "p.html") == 0
    printed = capsys.readouterr().out.splitlines()
    assert any("black</w>" in line and " 1.2 " in line for line in printed)
    assert printed[-2:] == [
        "identical to the record: every vector that entered the U-Net, to the bit",
        f"{tmp_path / 'p.html'}",
    ]
    assert "a (black:1.2) cat" in (tmp_path / "p.html").read_text("utf-8")
    assert run(folder, *how, "--negative") == 0
    assert "dog</w>" in capsys.readouterr().out


def test_a_folder_that_is_no_record_is_refused(tmp_path, capsys):
    assert run(tmp_path) == 2
    assert capsys.readouterr().err.startswith("garasu: there is no finished record in ")
