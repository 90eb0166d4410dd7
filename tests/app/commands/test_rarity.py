"""garasu rarity as a user meets it."""

import pytest
from PIL import Image

from garasu.app.cli import main
from garasu.checkpoints import write_folder


def run(*words):
    with pytest.raises(SystemExit) as left:
        main(["rarity", *map(str, words)])
    return left.value.code


def test_a_cosine_and_its_inverse(capsys):
    assert run("0.2", "--dimensions", "768") == 0
    assert capsys.readouterr().out == "cosine 0.2 in 768 dimensions: one in 90 million random directions is as near\n"
    assert run("--one-in", "1000000") == 0
    assert capsys.readouterr().out.startswith("cosine 0.1704 in 768 dimensions: one in 1 million ")
    assert run("--", "-0.5") == 0


def test_drawn_directions_are_counted(capsys):
    assert run("0.5", "--dimensions=3", "--simulate=8000") == 0
    drawn = capsys.readouterr().out.splitlines()[1]
    found = int(drawn.split()[4].replace(",", ""))
    assert abs(found - 2000) < 200
    assert drawn.endswith("are as near; 2,000 are expected")


def test_the_plot_is_written(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert run("0.2", "-o", tmp_path / "plot.png") == 0
    assert Image.open(tmp_path / "plot.png").size == (1320, 552)
    assert capsys.readouterr().out.endswith("plot.png\n")


def test_the_words_of_a_model_are_measured(tiny, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("garasu.app.commands.rarity._PROMPTS", 3)
    write_folder(tiny.checkpoint, tmp_path / "model")
    assert run("0.9", "--model", tmp_path / "model") == 0
    table, words = capsys.readouterr().out.splitlines()[1:]
    assert table.startswith(f"its table of words: {tiny.tokenizer.vocab_size} vectors of 32 dimensions")
    assert words.startswith("what it makes of one word: 3 vectors of 32 dimensions")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "say one of two"),
        (("0.2", "--one-in", "10"), "say one of two"),
        (("2",), "a cosine lies between -1 and 1, not at 2"),
        (("0.2", "--dimensions", "1"), "2 dimensions or more"),
        (("--one-in", "0.5"), "--one-in must be a number above 1"),
        (("0.2", "--simulate", "-3"), "1 direction or more"),
        (("0.2", "-o", "plot.pdf"), "name it plot.png"),
    ],
)
def test_what_cannot_be_said_is_refused_in_a_sentence(words, sentence, capsys):
    assert run(*words) == 2
    assert sentence in capsys.readouterr().err
