"""garasu glass strip, latent, noise, steps and vae as a user meets them."""

from contextlib import chdir

import pytest
from PIL import Image

from garasu.app import progress
from garasu.app.cli import main
from garasu.checkpoints import write_folder

pytest.importorskip("matplotlib")


def run(*words):
    with pytest.raises(SystemExit) as left:
        main(list(map(str, words)))
    return left.value.code


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    """A folder with a model, a picture made by it, and the record of that."""
    folder = tmp_path_factory.mktemp("made")
    write_folder(tiny.checkpoint, folder / "model")
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setattr("garasu.engine.own_process", lambda: None)
        words = "txt2img", "a black cat", "--seed=7", "--steps=4", "--model", "model", "--engine=plain"
        assert run(*words, "--record", "run", "-o", "cat.png") == 0
    return folder


@pytest.mark.parametrize(
    ("words", "width"),
    [
        (("strip", "run", "--steps", "0,-1"), 800),
        (("latent", "run", "--count=2", "--quantity=x0"), 800),
        (("noise", "run"), 1200),
        (("vae", "run", "--times=2"), 1200),
        (("vae", "cat.png", "--model", "model", "--against", "model/vae"), 1200),
        (("steps", "run", "--steps=1,3", "--sampler=ddim", "--sampler=euler"), 1200),
        (("steps", "cat.png", "--steps=1,2,3"), 1200),
    ],
)
def test_a_figure_is_written(folder, tmp_path, capsys, words, width):
    with chdir(folder):
        assert run("glass", *words, "-o", tmp_path / "figure.png") == 0
    *said, last = capsys.readouterr().out.splitlines()
    assert last == str(tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as figure:
        assert figure.width == width
    if words[0] == "vae":
        assert [line.split(":")[0] for line in said] == ["model", "vae"][: len(said)]
        assert all(line.endswith(" dB") for line in said)
    if words[0] == "steps":
        assert said[0].startswith("ddim in 3 steps: ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("strip", "nowhere"), "there is no finished record in nowhere"),
        (("strip", "run", "--steps", "9"), "there is no step 9: the walk has 4, 0 to 3"),
        (("strip", "run", "--steps", "a"), "--steps takes whole numbers"),
        (("latent", "run", "--steps=1", "--count=2"), "say one of two"),
        (("latent", "run", "--picture=2"), "there is no picture 2: the record has 1"),
        (("noise", "run", "--walk=2"), "there is no walk 2: the picture has 1"),
        (("steps", "run", "--steps=5"), "two numbers of steps or more"),
        (("steps", "run", "--steps=0,5"), "steps must be at least 1"),
        (("steps", "run", "--sampler=dim"), "sampler must be one of"),
        (("steps", "plain.png"), "carries no garasu recipe"),
        (("vae", "nothing.png"), "there is no picture file nothing.png"),
        (("vae", "run", "--times=0"), "--times must be above 0"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_sentence(folder, tmp_path, capsys, words, sentence):
    Image.new("RGB", (8, 8)).save(folder / "plain.png")
    with chdir(folder):
        assert run("glass", *words, "-o", tmp_path / "figure.png") == 2
        assert run("glass", *words, "-o", tmp_path / "figure.pdf") == 2
    first, second = capsys.readouterr().err.splitlines()
    assert sentence in first
    assert "name it figure.png" in second
    assert not (tmp_path / "figure.png").exists()


@pytest.fixture
def one_by_one(folder, monkeypatch):
    """A record of two pictures, each walked alone, as on a CPU at 512×512; twelve cells wide and eight high."""
    monkeypatch.setattr("garasu.tasks.room.CPU_CELLS", 8 * 12)
    monkeypatch.setattr("garasu.engine.own_process", lambda: None)
    with chdir(folder):
        shape = "--width=96", "--height=64", "--count=2", "--steps=2"
        words = "txt2img", "a black cat", "--seed=7", *shape, "--model", "model", "--engine=plain"
        assert run(*words, "--record", "two", "-o", "two.png") == 0
    return folder


@pytest.mark.parametrize("kind", ["attention", "guidance", "unet", "strip", "latent", "noise", "vae"])
def test_any_picture_of_a_record_can_be_shown(one_by_one, tmp_path, capsys, kind):
    with chdir(one_by_one):
        for number, code in ((1, 0), (2, 0), (3, 2)):
            assert run("glass", kind, "two", "--picture", number, "-o", tmp_path / f"{number}.png") == code
    assert "there is no picture 3: the record has 2" in capsys.readouterr().err
    assert (tmp_path / "1.png").read_bytes() != (tmp_path / "2.png").read_bytes()


@pytest.mark.parametrize(
    ("kind", "counted"),
    [
        ("strip", ("vae.decoder", 13, 13)),
        ("guidance", ("vae.decoder", 8, None)),
        ("latent", ("vae.decoder", 26, None)),  # 12 of them to fit a preview to an unknown VAE
        ("unet", ("unet", 4, None)),
    ],
)
def test_a_bar_counts_the_calls_of_a_network(folder, tmp_path, monkeypatch, kind, counted):
    bars = []

    class Bar(progress.tqdm):
        def close(self):
            bars.append((self.desc, self.n, self.total))
            super().close()

    monkeypatch.setattr(progress, "tqdm", Bar)
    with chdir(folder):
        assert run("glass", kind, "run", "-o", tmp_path / "figure.png") == 0
    assert set(bars) == {counted}
