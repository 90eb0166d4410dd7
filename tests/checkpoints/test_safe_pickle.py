"""Pickles: bookkeeping is swallowed, code is refused, and nothing ever runs."""

from __future__ import annotations

import pickle
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from garasu.checkpoints.errors import CheckpointError
from garasu.checkpoints.safe_pickle import can_map, read_tensors, unsafe_names

WEIGHTS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2])}


class Runs:
    """Creates a file when it is unpickled."""

    def __init__(self, call: Callable[..., Any], *arguments: object) -> None:
        self.call = call, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.call


def touch(path: str) -> None:
    Path(path).touch()


@pytest.fixture
def lightning(monkeypatch: pytest.MonkeyPatch) -> Iterator[type]:
    """A class under the name that real CompVis files mention, to pickle with; it is gone again before reading."""
    name = "pytorch_lightning.callbacks.model_checkpoint"
    modules = {part: types.ModuleType(part) for part in ("pytorch_lightning", "pytorch_lightning.callbacks", name)}
    for part, module in modules.items():
        monkeypatch.setitem(sys.modules, part, module)
    kind = type("ModelCheckpoint", (), {"__module__": name, "ran": False})
    modules[name].ModelCheckpoint = kind  # type: ignore[attr-defined]
    yield kind
    monkeypatch.undo()


@pytest.mark.parametrize("zipped", [True, False])
def test_plain_weights(tmp_path: Path, zipped: bool) -> None:
    torch.save({"state_dict": WEIGHTS, "epoch": 3}, tmp_path / "a", _use_new_zipfile_serialization=zipped)
    found = read_tensors(tmp_path / "a")
    assert found.keys() == WEIGHTS.keys()
    assert all(torch.equal(found[name], WEIGHTS[name]) for name in WEIGHTS)
    assert can_map(tmp_path / "a") is zipped


def test_the_trainers_bookkeeping_is_swallowed(tmp_path: Path, lightning: type, monkeypatch: Any) -> None:
    state = lightning()
    state.best = 3
    content = {
        "state_dict": WEIGHTS,
        "callbacks": {lightning: {"monitor": "val", "best_model_score": np.float64(0.5), "itself": state}},
        "epoch": np.int64(7),
    }
    torch.save(content, tmp_path / "a.ckpt")
    for name in [name for name in sys.modules if name.startswith("pytorch_lightning")]:
        monkeypatch.delitem(sys.modules, name)
    assert "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint" in unsafe_names(tmp_path / "a.ckpt")
    found = read_tensors(tmp_path / "a.ckpt")
    assert all(torch.equal(found[name], WEIGHTS[name]) for name in WEIGHTS)
    assert not any(name.startswith("pytorch_lightning") for name in sys.modules)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("zipped", [True, False])
def test_code_is_refused_and_does_not_run(tmp_path: Path, zipped: bool, protocol: int) -> None:
    marker = tmp_path / "ran"
    for call in (Runs(touch, str(marker)), Runs(exec, f"open({str(marker)!r}, 'w')")):
        torch.save(
            {"state_dict": WEIGHTS, "x": call},
            tmp_path / "a.ckpt",
            _use_new_zipfile_serialization=zipped,
            pickle_protocol=protocol,
        )
        with pytest.raises(CheckpointError, match=r"a\.ckpt is a pickle that .* convert it to \.safetensors") as caught:
            read_tensors(tmp_path / "a.ckpt")
        assert "\n" not in str(caught.value)
        assert not marker.exists()
    torch.load(tmp_path / "a.ckpt", weights_only=False)
    assert marker.exists()  # so it would have run


def test_the_refusal_names_what_would_be_called(tmp_path: Path) -> None:
    torch.save({"x": Runs(exec, "pass")}, tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError, match=r"would call (builtins\.)?exec"):
        read_tensors(tmp_path / "a.ckpt")


def test_swallowed_names_cannot_be_used_to_run_anything(tmp_path: Path, lightning: type) -> None:
    """A stand-in takes the place of a trusted-looking name, so a call of it runs nothing, whatever is installed."""
    marker = tmp_path / "ran"
    lightning.__init__ = lambda self, path: touch(path)  # type: ignore[misc]
    torch.save({"state_dict": WEIGHTS, "x": Runs(lightning, str(marker))}, tmp_path / "a.ckpt")
    assert read_tensors(tmp_path / "a.ckpt").keys() == WEIGHTS.keys()
    assert not marker.exists()


def test_a_bare_pickle(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    (tmp_path / "a.pt").write_bytes(pickle.dumps(Runs(touch, str(marker)), 2))
    with pytest.raises(CheckpointError, match=r"a\.pt"):
        read_tensors(tmp_path / "a.pt")
    assert not marker.exists()


@pytest.mark.parametrize("content", [{}, [1, 2], {"state_dict": {}}, {"state_dict": 3}, {"a": 1}, 7])
def test_no_weights(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError, match="holds no weights"):
        read_tensors(tmp_path / "a.ckpt")


def test_a_damaged_zip(tmp_path: Path) -> None:
    torch.save(WEIGHTS, tmp_path / "a.ckpt")
    data = bytearray((tmp_path / "a.ckpt").read_bytes())
    at = data.index(b"ctorch._utils")
    data[at : at + 6] = b"\xff" * 6
    (tmp_path / "a.ckpt").write_bytes(data)
    with pytest.raises(CheckpointError, match=r"a\.ckpt"):
        read_tensors(tmp_path / "a.ckpt")
