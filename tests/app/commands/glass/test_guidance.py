"""garasu glass guidance as a user meets it."""

import pytest
from PIL import Image
from tests.glass.recorded import recorded

from garasu.app.cli import main
from garasu.checkpoints import write_folder


def run(*words):
    with pytest.raises(SystemExit) as left:
        main(["glass", "guidance", *map(str, words)])
    return left.value.code


def test_the_page_is_written(tiny, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    write_folder(tiny.checkpoint, tmp_path / "model")
    folder = recorded(tiny, tmp_path).path
    assert run(folder, "--model", tmp_path / "model", "--steps", 1, "-o", tmp_path / "g.png") == 0
    assert capsys.readouterr().out == f"{tmp_path / 'g.png'}\n"
    assert Image.open(tmp_path / "g.png").width == 1200


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--steps", "9"], "there is no guided step 9: those kept are 0, 1, 2, 3"),
        (["--picture", "0"], "there is no picture 0: the record has 1, 1 to 1"),
        (["--side", "dog"], "there is no side 'dog': name one of negative, prompt"),
    ],
)
def test_what_cannot_be_is_refused(tiny, tmp_path, capsys, words, said):
    assert run(recorded(tiny, tmp_path).path, *words) == 2
    assert said in capsys.readouterr().err
