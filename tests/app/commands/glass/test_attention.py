"""garasu glass attention as a user meets it."""

import pytest
from PIL import Image
from tests.glass.recorded import recorded

from garasu.app.cli import main
from garasu.checkpoints import write_folder
from garasu.glass.attention import START


def run(*words):
    with pytest.raises(SystemExit) as left:
        main(["glass", "attention", *map(str, words)])
    return left.value.code


@pytest.fixture
def folder(tiny, tmp_path):
    write_folder(tiny.checkpoint, tmp_path / "model")
    return recorded(tiny, tmp_path, count=2, negative_prompt="dog").path


def test_the_page_is_of_the_picture_and_the_words_asked_for(folder, tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    from garasu.glass import attention_figure

    given, draw = [], attention_figure.attention_figure
    monkeypatch.setattr(attention_figure, "attention_figure", lambda *all: given.append(all) or draw(*all))
    how = ["--model", tmp_path / "model", "--word", "cat", "--steps", "1,2", "--layers", "daam", "--picture", 2]
    assert run(folder, *how, "-o", tmp_path / "a.png") == 0
    assert capsys.readouterr().out == f"{tmp_path / 'a.png'}\n"
    ((report, picture, title),) = given
    assert (report.words, report.steps, report.label, len(report.layers)) == (("cat",), (1, 2), "seed 8", 6)
    assert picture.size == (64, 64)
    assert title == "a black cat"
    assert Image.open(tmp_path / "a.png").width == 1200
    assert START in report.shares


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--word", "tiger"], "'tiger' is not in the prompt, whose words are: a black cat"),
        (["--picture", "3"], "there is no picture 3: the record has 2, 1 to 2"),
        (["--layers", "nix"], "no layer is named nix"),
        (["-o", "a.jpg"], "a.jpg"),
    ],
)
def test_what_cannot_be_is_refused_before_a_model_is_loaded(folder, capsys, words, said):
    assert run(folder, *words) == 2
    refusal = capsys.readouterr().err
    assert said in refusal
    assert refusal.count("\n") == 1
