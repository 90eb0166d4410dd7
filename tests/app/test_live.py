"""--preview and --preview-file as a user meets them."""

from __future__ import annotations

import os
import pty
import sys
from contextlib import chdir
from io import StringIO
from threading import Thread

import pytest
import torch
from PIL import Image
from tests.images.test_terminal import from_blocks, from_kitty
from tests.networks.test_tiny_decoder import tiny_pair

from garasu.app.cli import main
from garasu.app.live import Live
from garasu.checkpoints import write_folder
from garasu.diffusion.steps import Step
from garasu.glass.preview import STABLE_DIFFUSION

ORDER = ("txt2img", "a cat", "--model=model", "--steps=4", "--seed=1", "-o", "cat.png")


@pytest.fixture
def folder(tiny, tmp_path):
    write_folder(tiny.checkpoint, tmp_path / "model")
    return tmp_path


def run(folder, capsys, *words):
    with chdir(folder), pytest.raises(SystemExit) as left:
        main([*ORDER, *map(str, words)])
    said = capsys.readouterr()
    return left.value.code or 0, said.out, said.err


def drawn(text: str) -> list[str]:
    """What stands between the cursor's saving and its return."""
    return [part.split("\x1b8")[0] for part in text.split("\x1b7")[1:]]


def test_without_a_terminal_nothing_is_shown_and_nothing_changes(folder, capsys):
    assert run(folder, capsys)[0] == 0
    plain = (folder / "cat.png").read_bytes()
    code, out, err = run(folder, capsys, "--preview")
    assert (code, out) == (0, "cat.png\n")
    assert "\x1b7" not in err
    assert (folder / "cat.png").read_bytes() == plain


def test_a_protocol_that_is_named_is_shown_everywhere(folder, capsys):
    code, out, err = run(folder, capsys, "--preview=blocks")
    assert (code, out) == (0, "cat.png\n")
    assert len(drawn(err)) == 5  # each step, and the finished latent
    assert {from_blocks(one.encode()).size for one in drawn(err)} == {(42, 42)}  # 21 of 24 lines
    _, _, err = run(folder, capsys, "--preview", "kitty", "--preview-every=3")
    assert [from_kitty(one.encode())[1].size for one in drawn(err)] == [(8, 8)] * 3  # steps 0, 3 and the last


def test_a_file_is_kept_fresh_and_ends_as_the_picture(folder, capsys):
    assert run(folder, capsys, "--preview-file=live.png")[0] == 0
    assert Image.open(folder / "live.png").tobytes() == Image.open(folder / "cat.png").tobytes()
    assert {path.name for path in folder.iterdir()} == {"model", "cat.png", "live.png"}


def test_steps_are_shown_in_place_and_a_finished_picture_starts_anew(tmp_path):
    stream = StringIO()
    live = Live(STABLE_DIFFUSION, "blocks", tmp_path / "live.png", 2, 8, stream)
    steps = [Step(index, 4, 1.0, torch.zeros(2, 4, 6, 4), torch.full((2, 4, 6, 4), index / 4)) for index in range(5)]
    sizes = []
    for one in live.watched(iter(steps)):
        assert one in steps
        sizes.append(Image.open(tmp_path / "live.png").size)
    frames = stream.getvalue().split("\x1b7")
    assert len(frames) == 4  # steps 0, 2 and 4
    assert frames[0].count("\n") > 3  # room is made once
    assert not any(frame.split("\x1b8")[1].count("\n") for frame in frames[1:])
    assert set(sizes) == {(88, 64)}  # two pictures of 32x48 and their gaps


def test_a_tiny_decoder_is_taken_when_it_is_given(folder, capsys):
    tiny_pair(8, (1, 1, 1, 1))[1].save_pretrained(folder / "taesd")
    _, _, err = run(folder, capsys, "--preview=kitty", "--preview-vae=taesd")
    assert {from_kitty(one.encode())[1].size for one in drawn(err)} == {(64, 64)}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--preview", "--preview-every=0"), "--preview-every must be at least 1"),
        (("--preview-vae=taesd",), "add --preview or --preview-file live.png"),
        (("--preview-file=live.jpg",), "name it live.png"),
        (("--preview=blocks", "--preview-vae=taesd"), "There is no file or folder taesd"),
        (("--preview=ascii",), "--preview must be one of 'auto', 'kitty', 'sixel', 'iterm' or 'blocks', not 'ascii'"),
        (("--preview", "--safety=blank"), "a preview shows what --safety blank would hide"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_sentence(words, sentence, folder, capsys):
    code, _, err = run(folder, capsys, *words)
    assert code == 2
    assert sentence in err
    assert not (folder / "cat.png").exists()


def test_in_a_terminal_it_is_shown_without_saying_how(folder, monkeypatch):
    """On a pseudo-terminal that calls itself xterm."""
    ours, theirs = pty.openpty()
    seen = bytearray()

    def read() -> None:
        try:
            while data := os.read(ours, 65536):
                seen.extend(data)
        except OSError:  # closed
            return

    reader = Thread(target=read)
    reader.start()
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("TMUX", "KITTY_WINDOW_ID", "TERM_PROGRAM", "LC_TERMINAL"):
        monkeypatch.delenv(name, raising=False)
    with os.fdopen(theirs, "w", encoding="utf-8") as stream, chdir(folder):
        monkeypatch.setattr(sys, "stderr", stream)
        with pytest.raises(SystemExit) as left:
            main([*ORDER, "--preview"])
    reader.join(10)
    assert not left.value.code
    assert len(drawn(seen.decode())) == 5
