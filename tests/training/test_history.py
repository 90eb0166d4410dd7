"""What a model went through: written down by the run, handed on, and joined without saying anything twice."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from garasu.model import BUNDLED
from garasu.training.history import Run, TrainedPart, joined, read_history, record_of, write_history
from garasu.training.recipes import RECIPES

RUN = Run(
    fresh=True,
    hardware="a toaster",
    threads=2,
    pictures=((64, 64, 10), (80, 48, 3)),
    captions=2,
    drawn=False,
    parts={"vae": TrainedPart({"steps": 3, "lr": 0.1, "ema": None}, 1.5)},
)


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    history = [RUN, replace(RUN, fresh=False)]
    write_history(tmp_path, history)
    assert read_history(tmp_path) == history
    assert [path.name for path in tmp_path.iterdir()] == ["training.json"]


def test_a_model_that_nobody_wrote_about_has_none(tmp_path: Path) -> None:
    assert read_history(tmp_path) == []
    assert read_history(None) == []


def test_what_parents_share_is_told_once() -> None:
    words, faces, last = (replace(RUN, hardware=name) for name in ("words", "faces", "last"))
    assert joined([RUN, words], [RUN, faces], [last]) == [RUN, words, faces, last]


def test_a_run_is_told_by_its_folder(toy_run: Path) -> None:
    found = record_of(toy_run, ("clip", "unet"), torch.device("cpu"), fresh=True)
    assert found.parts.keys() == {"clip", "unet"}
    for name, part in found.parts.items():
        assert part.settings == asdict(getattr(RECIPES["toy"], f"train_{name}"))
        assert part.seconds > 0
    assert found.pictures == ((48, 80, 19), (64, 64, 77))
    assert (found.captions, found.drawn, found.fresh) == (2, True, True)
    assert found.threads == torch.get_num_threads()


def test_time_is_counted_at_the_rate_of_each_stretch(toy_run: Path, tmp_path: Path) -> None:
    """A run that was resumed may have gone on at another speed."""
    (tmp_path / "pictures").symlink_to(toy_run / "pictures")
    (tmp_path / "vae").mkdir()
    for name in ("state.pt", "weights.safetensors"):
        (tmp_path / "vae" / name).write_bytes((toy_run / "vae" / name).read_bytes())
    lines = [{"step": 5, "pictures_per_second": 10.0}, {"step": 12, "pictures_per_second": 2.0}]
    (tmp_path / "vae" / "log.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = record_of(tmp_path, ("vae", "unet"), torch.device("cpu"), fresh=True)
    assert found.parts.keys() == {"vae"}
    assert found.parts["vae"].seconds == pytest.approx(5 * 4 / 10 + 7 * 4 / 2)


def test_the_bundled_model_tells_how_it_came_about() -> None:
    first, *_ = history = read_history(BUNDLED)
    assert first.fresh
    assert first.parts.keys() >= {"clip", "vae", "unet"}
    assert sum(run.fresh for run in history) == 1
