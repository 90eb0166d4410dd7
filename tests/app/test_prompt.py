"""garasu prompt."""

import json

import pytest

from garasu.app.cli import main
from garasu.checkpoints import write_folder
from garasu.glass.prompt import PromptReport


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    """A model small enough for a test."""
    path = tmp_path_factory.mktemp("tiny")
    write_folder(tiny.checkpoint, path)
    return str(path)


def run(*arguments):
    with pytest.raises(SystemExit) as left:
        main(["prompt", *arguments])
    return left.value.code


def test_it_prints_and_writes_a_page_and_json(folder, tmp_path, capsys):
    files = [str(tmp_path / "cat.json"), str(tmp_path / "cat.html")]
    code = run(
        "a (cat:1.2)", "--against", "dog", "--against", "", "--model", folder, "--json", files[0], "-o", files[1]
    )
    out = capsys.readouterr().out
    assert not code
    report = PromptReport.from_json((tmp_path / "cat.json").read_text("utf-8"))
    assert [part.name for part in report.shown] == ["a (cat:1.2)", "dog", ""]
    assert out == f"{report.text()}\n" + "".join(f"{file}\n" for file in files)
    assert json.dumps("a (cat:1.2)") in (tmp_path / "cat.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["cat", "--syntax", "klingon"], "'compel', 'plain' or 'algebra', not 'klingon'"),
        (["cat", "--emphasis", "loud"], "--emphasis must be one of 'a1111', 'no-norm', 'comfy', 'compel' or 'ignore'"),
        (["cat +", "--syntax", "algebra"], ""),
        (["cat", "--clip-skip", "7"], "clip_skip 7 is not between 1 and 3"),
        (["cat", "--max-chunks", "0"], "max_chunks 0"),
        (["cat", "--steps", "0"], "0 steps"),
        (["cat", "--words", "-2"], "-2 words"),
        (["cat", "-o", "nowhere/page.html"], "the folder nowhere does not exist"),
        (["a", "cat"], "with quotes around a prompt"),
    ],
)
def test_what_it_refuses_it_says_in_a_sentence(folder, arguments, sentence, capsys):
    assert run(*arguments, "--model", folder) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("garasu: ")
    assert sentence in err
    assert err.count("\n") == 1
