"""--safety as a user meets it."""

import json
from contextlib import chdir

import pytest
from PIL import Image
from tests.tasks.test_safety import guarded

from garasu.app.cli import main
from garasu.checkpoints import write_folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A folder with a small model that flags everything."""
    folder = tmp_path_factory.mktemp("guarded") / "model"
    write_folder(guarded(-2).checkpoint, folder)
    return folder


def run(folder, capsys, *words):
    with chdir(folder), pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    said = capsys.readouterr()
    return left.value.code or 0, said.out, said.err


def test_scores_are_printed_and_kept(model, tmp_path, capsys):
    order = ("txt2img", "a cat", "--model", model, "--steps=2", "--seed=1", "-o", "cat.png")
    code, out, _ = run(tmp_path, capsys, *order)
    assert code == 0
    assert out.splitlines()[1].startswith("safety: flagged: above the threshold of concept 0, ")
    assert len(out.splitlines()) == 2
    _, out, _ = run(tmp_path, capsys, "show", "cat.png")
    assert "safety_flagged" in out
    _, out, _ = run(tmp_path, capsys, "show", "cat.png", "--json")
    assert len(json.loads(out)["garasu"]["safety"]["concepts"]) == 17
    assert run(tmp_path, capsys, "redo", "cat.png", "--model", model)[0] == 0

    _, out, _ = run(tmp_path, capsys, *order, "--safety=report")
    assert sum(line.endswith("exceeds") for line in out.splitlines()) == 17
    assert sum(line.strip().startswith("special care") for line in out.splitlines()) == 3


def test_blank_is_black_and_can_be_redone(model, tmp_path, capsys):
    code, _, _ = run(
        tmp_path, capsys, "txt2img", "a cat", "--model", model, "--steps=2", "--safety=blank", "-o", "cat.png"
    )
    assert code == 0
    assert Image.open(tmp_path / "cat.png").getextrema() == ((0, 0),) * 3
    assert run(tmp_path, capsys, "redo", "cat.png", "--model", model)[:2] == (0, "identical: all 64x64 pixels\n")


def test_without_a_checker_it_is_refused_in_a_sentence(tiny, tmp_path, capsys):
    write_folder(tiny.checkpoint, tmp_path / "bare")
    code, _, err = run(tmp_path, capsys, "txt2img", "a cat", "--model=bare", "--safety=blank")
    assert code == 2
    assert err.startswith("garasu: safety blank needs a safety checker, and the model bare carries none: load a ")
    code, _, err = run(tmp_path, capsys, "txt2img", "a cat", "--model=bare", "--safety=maybe")
    assert code == 2
    assert "safety must be one of 'off', 'report' or 'blank'" in err
