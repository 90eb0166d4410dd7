"""The commands and the Python of our pages run as they stand, here on a model small enough."""

import re
import shlex
from contextlib import chdir
from pathlib import Path

import pytest

from garasu.app.cli import app, main
from garasu.checkpoints import write_folder

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ["guides/txt2img.md", "reference/cli.md"]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.M | re.S)


@pytest.fixture
def small_bundled(tiny, tmp_path, monkeypatch) -> Path:
    """An empty folder to work in, and the tiny model in place of the bundled one."""
    write_folder(tiny.checkpoint, tmp_path / "model")
    monkeypatch.setattr("garasu.model.BUNDLED", tmp_path / "model")
    for module in ("txt2img", "pictures"):
        monkeypatch.setattr(f"garasu.app.commands.{module}.keep_freed_memory", lambda: None)
    workplace = tmp_path / "workplace"
    workplace.mkdir()
    return workplace


def run(command: str, folder: Path) -> None:
    name, *arguments = shlex.split(command)
    assert name == "garasu"
    with chdir(folder), pytest.raises(SystemExit) as left:
        main(arguments)
    assert not left.value.code, command


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_run(page, small_bundled):
    pytest.importorskip("skia")
    commands = [line for block in blocks(page, "sh") for line in block.splitlines()]
    assert commands
    for command in commands:
        run(command, small_bundled)


def test_the_files_of_the_guide_are_those_that_it_names(small_bundled):
    for block in blocks("guides/txt2img.md", "sh"):
        for command in block.splitlines():
            run(command, small_bundled)
    names = {path.name for path in small_bundled.iterdir()}
    assert names == {"cat.png", "cats-1.png", "cats-2.png", "cats-3.png", "cats-4.png", "cats-grid.png"}


def test_the_python_of_the_guide_runs(small_bundled):
    found: dict[str, object] = {}
    with chdir(small_bundled):
        for block in blocks("guides/txt2img.md", "python"):
            exec(block, found)
    assert (small_bundled / "cat.png").is_file()
    assert found["image"].size == (64, 64)


@pytest.mark.parametrize("command", ["txt2img", "world", "redo", "show"])
def test_the_reference_names_every_flag(command, capsys):
    app([command, "--help"], result_action="return_value")
    flags = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help", "--picture", "--prompt"}
    page = (DOCS / "reference/cli.md").read_text(encoding="utf-8")
    assert sorted(flag for flag in flags if f"`{flag}`" not in page and f"`{flag} " not in page) == []


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    here = (DOCS / page).parent
    links = re.findall(r"\]\(([^)#]+)\)", (DOCS / page).read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (here / link).exists()] == []
