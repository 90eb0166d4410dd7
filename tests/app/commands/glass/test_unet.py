"""garasu glass unet as a user meets it."""

import re

import numpy as np
import pytest
from PIL import Image
from tests.glass.recorded import recorded

from garasu.app.cli import main
from garasu.checkpoints import write_folder
from garasu.glass.record.replaying import replay
from garasu.glass.without import without


def run(*words):
    with pytest.raises(SystemExit) as left:
        main(["glass", "unet", *map(str, words)])
    return left.value.code


@pytest.fixture
def kept(tiny, tmp_path):
    write_folder(tiny.checkpoint, tmp_path / "model")
    return recorded(tiny, tmp_path)


def test_the_page_is_written_and_says_how_far_off_a_picture_is(tiny, kept, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    how = ["--model", tmp_path / "model", "--without", "skip.1", "--without", "unet.middle,skip.0", "--engine", "plain"]
    assert run(kept.path, *how, "--steps", 1, "-o", tmp_path / "u.png") == 0
    first, second, name = capsys.readouterr().out.splitlines()
    assert name == f"{tmp_path / 'u.png'}"
    assert Image.open(tmp_path / "u.png").width == 1200
    assert second.startswith("without unet.middle,skip.0: the picture differs by ")
    whole = np.asarray(replay(tiny, kept).image, dtype=float)
    with without(tiny, "skip.1"):
        other = np.asarray(replay(tiny, kept).image, dtype=float)
    far = 100 * np.sqrt(np.square(other - whole).mean()) / 255
    assert float(re.search(r"differs by ([\d.]+)%", first)[1]) == pytest.approx(far, abs=0.06)
    assert far > 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--without", "skip.9"], "there is no skip.9: this U-Net has 6 skips"),
        (["--without", "unet.nix"], "No module is named 'unet.nix'"),
        (["--steps", "9"], "there is no step 9: the walk has 4, 0 to 3"),
        (["--picture", "2"], "there is no picture 2"),
        (["--side", "nix"], "there is no side 'nix'"),
    ],
)
def test_what_cannot_be_is_refused(kept, tmp_path, capsys, words, said):
    assert run(kept.path, "--model", tmp_path / "model", *words, "-o", tmp_path / "u.png") == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "u.png").exists()
