"""Windows onto files, and giving their pages back."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from garasu.checkpoints.mapped import forget, map_file

SIZE = 32 << 20


def resident() -> int:
    """Bytes of mapped files that are in this process's memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssFile"))


@pytest.fixture
def window(tmp_path: Path) -> torch.Tensor:
    torch.arange(SIZE // 4, dtype=torch.float32).numpy().tofile(tmp_path / "a")
    return map_file(tmp_path / "a").view(torch.float32)


def test_a_window_shows_the_file(window: torch.Tensor) -> None:
    assert torch.equal(window, torch.arange(SIZE // 4, dtype=torch.float32))


@pytest.mark.skipif(sys.platform != "linux", reason="only there are pages given back")
def test_pages_come_when_touched_go_when_forgotten_and_come_again(window: torch.Tensor) -> None:
    before = resident()
    total = window.sum()
    assert resident() - before > SIZE * 0.9
    forget(window)
    assert resident() - before < SIZE * 0.1
    assert torch.equal(window.sum(), total)


def test_neighbours_on_the_same_page_are_not_touched(window: torch.Tensor) -> None:
    window[0], window[-1] = 7.0, 8.0  # memory of our own now, which forgetting would undo
    forget(window[1:-1])
    assert (window[0].item(), window[-1].item()) == (7.0, 8.0)


def test_small_and_strided_windows_are_left_alone(window: torch.Tensor) -> None:
    forget(window[:3])
    forget(window.view(-1, 2).T)
    assert window[5].item() == 5.0
