"""The pages about the command line name the files that it writes and the flags that it has."""

import re
import shlex
from contextlib import chdir
from pathlib import Path

import pytest

from garasu.app.cli import app, main
from garasu.checkpoints import write_folder

DOCS = Path(__file__).parents[2] / "docs"


def test_the_files_of_the_guide_are_those_that_it_names(tiny, tmp_path, monkeypatch):
    write_folder(tiny.checkpoint, tmp_path / "model")
    monkeypatch.setattr("garasu.model.loading.BUNDLED", tmp_path / "model")  # small enough for a test
    (tmp_path / "empty").mkdir()
    for block in re.findall(r"^```sh\n(.*?)^```", (DOCS / "guides/txt2img.md").read_text("utf-8"), re.M | re.S):
        for command in block.splitlines():
            with chdir(tmp_path / "empty"), pytest.raises(SystemExit) as left:
                main(shlex.split(command)[1:])
            assert not left.value.code, command
    names = {path.name for path in (tmp_path / "empty").iterdir()}
    assert names == {"cat.png", "cats-1.png", "cats-2.png", "cats-3.png", "cats-4.png", "cats-grid.png"}


@pytest.mark.parametrize(
    "command",
    [
        "txt2img",
        "img2img",
        "inpaint",
        "outpaint",
        "sweep img2img",
        "diff-profiles inpaint",
        "upscale",
        "prompt",
        "blend",
        "blend-grid",
        "rarity",
        "glass page",
        "world",
        "redo",
        "replay",
        "glass strip",
        "glass latent",
        "glass noise",
        "glass steps",
        "glass vae",
        "show",
        "glass compare",
        "glass fan",
        "glass map",
        "eval",
        "glass attention",
        "glass guidance",
        "glass unet",
        "glass prompt",
        "train base",
        "train probe",
    ],
)
def test_the_reference_names_every_flag(command, capsys):
    app([*command.split(), "--help"], result_action="return_value")
    flags = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help", "--image", "--picture", "--prompt"}
    page = (DOCS / "reference/cli.md").read_text("utf-8")
    assert flags
    assert sorted(flag for flag in flags if f"`{flag}`" not in page) == []
