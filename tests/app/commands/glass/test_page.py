"""garasu glass page."""

import json
import re

import pytest

from garasu.app.cli import main
from garasu.checkpoints import write_folder

FLAGS = ("--steps=3", "--seed=7", "--dtype=float32", "-o=cat.png")


@pytest.fixture(scope="module")
def place(tiny, tmp_path_factory):
    """A folder with a small model and two records."""
    folder = tmp_path_factory.mktemp("pages")
    write_folder(tiny.checkpoint, folder / "model")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, prompt in (("run", "a black cat"), ("other", "dog")):
            with pytest.raises(SystemExit):
                main(["txt2img", prompt, "--model=model", f"--record={name}", *FLAGS])
    return folder


def run(place, monkeypatch, *arguments):
    monkeypatch.chdir(place)
    with pytest.raises(SystemExit) as left:
        main(["glass", "page", *arguments])
    return left.value.code


def data(path):
    return json.loads(re.search(r'id="data">(.*?)</script>', path.read_text("utf-8"), re.S)[1])


def test_it_says_how_large_it_gets_and_writes_one_file(place, monkeypatch, capsys):
    assert not run(place, monkeypatch, "run", "-o", "run.html")
    said, name = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"run\.html: about 0\.\d+ MB: every step, each attention layer", said)
    assert name == "run.html"
    assert [one["prompt"] for one in data(place / "run.html")["runs"]] == ["a black cat"]


def test_two_runs_on_one_page(place, monkeypatch):
    assert not run(place, monkeypatch, "run", "other", "--every", "2", "--decode", "finished", "-o", "two.html")
    runs = data(place / "two.html")["runs"]
    assert [one["name"] for one in runs] == ["run", "other"]
    assert [one["walks"][0]["steps"] for one in runs] == [[0, 2], [0, 2]]
    assert runs[0]["walks"][0]["rows"][0]["pictures"] == {}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["model", "-o", "x.html"], "there is no finished record in model"),
        (["run", "nowhere", "-o", "x.html"], "there is no finished record in nowhere"),
        (["cut", "-o", "x.html"], "is cut short or damaged"),
        (["run", "-o", "no/x.html"], "the folder no does not exist"),
        (["run", "--every", "0", "-o", "x.html"], "every 0th"),
        (["run", "--limit", "0.001", "-o", "x.html"], "allow that much with --limit, not 0.001"),
        (["run", "--decode", "all", "-o", "x.html"], "auto, always or finished, not 'all'"),
    ],
)
def test_what_it_refuses_it_says_in_a_sentence(place, monkeypatch, capsys, arguments, sentence):
    (place / "cut").mkdir(exist_ok=True)
    (place / "cut/run.json").write_bytes((place / "run/run.json").read_bytes())
    (place / "cut/run.safetensors").write_bytes((place / "run/run.safetensors").read_bytes()[:-9])
    assert run(place, monkeypatch, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("garasu: ")
    assert sentence in err
    assert err.count("\n") == 1
    assert not (place / "x.html").exists()
