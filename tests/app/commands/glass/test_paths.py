"""garasu glass compare, fan and map as a user meets them."""

from contextlib import chdir

import pytest
from PIL import Image

from garasu.app.cli import main
from garasu.checkpoints import write_folder

FLAGS = ("--model=model", "--steps=4", "--seed=7", "--dtype=float32")


@pytest.fixture(scope="module")
def place(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("paths")
    write_folder(tiny.checkpoint, folder / "model")
    with chdir(folder):
        for name, prompt, more in (("cat", "a cat", ()), ("dog", "a dog", ()), ("wide", "a cat", ("--width=128",))):
            assert run("txt2img", prompt, *FLAGS, *more, "--record", name, "-o", f"{name}.png") in (0, None)
    return folder


def run(*words):
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    return left.value.code


@pytest.fixture(autouse=True)
def there(place, monkeypatch):
    monkeypatch.chdir(place)


def test_runs_are_compared_word_by_word(capsys):
    assert run("glass", "compare", "cat", "dog", "--words", "-o", "words.png") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("cat and dog part")
    assert said[1] == "  100% of the way by prompt alone (moved 100%)"
    assert said[-1] == "words.png"
    assert Image.open("words.png").width == 1200


def test_a_fan_of_a_record_or_of_a_picture_and_its_map(capsys):
    flags = ("--count", 3, "--of", "prompt")
    assert run("glass", "fan", "cat", *flags, "--map", "plane.png", "-o", "fan.png") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("3 changes of 0.01 in the prompt end ")
    assert "fan.png" in said
    assert said[-1] == "plane.png"
    assert Image.open("plane.png").width == Image.open("fan.png").width == 1200
    assert run("glass", "fan", "cat.png", *flags, "-o", "again.png") == 0
    assert capsys.readouterr().out.splitlines()[0] == said[0]


def test_a_map_of_two_records(capsys):
    assert run("glass", "map", "cat", "dog", "--what", "latent", "--apart") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "map.png"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("compare", "cat"), "give two or more"),
        (("compare",), "give two or more"),
        (("map",), "give two or more"),
        (("compare", "cat", "wide"), "cannot be compared: record runs of one size"),
        (("compare", "cat", "cat.png"), "cat.png"),
        (("compare", "cat", "dog", "--picture", 0), "no picture 0"),
        (("compare", "cat", "dog", "cat", "--words"), "give two"),
        (("compare", "cat", "cat", "--words"), "nothing to exchange"),
        (("compare", "cat", "dog", "-o", "x.jpg"), "png"),
        (("fan", "cat", "--count", 1), "take 2 or more"),
        (("fan", "missing"), "missing"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(words, why, capsys):
    assert run("glass", *words) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert why in said[-1]
