"""A safetensors file of unknown length."""

import pytest
import torch
from safetensors.torch import load_file

from garasu.glass.record.errors import RecordError
from garasu.glass.record.tensors import MappedTensors, TensorLog


def filled(folder, path):
    with TensorLog(folder) as log:
        log.add("a", torch.arange(3, dtype=torch.uint8))
        count = len(log)
        log.add("dropped", torch.ones(4))
        log.rewind(count)
        log.add("b", torch.arange(6.0).reshape(2, 3))
        log.add("c", torch.ones(2, 2, dtype=torch.bfloat16).T)
        return log.finish(path, {"garasu": "x"})


def test_other_readers_read_it_and_so_do_we(tmp_path):
    path = tmp_path / "run.safetensors"
    assert filled(tmp_path, path) == path.stat().st_size
    others, ours = load_file(path), MappedTensors(path)
    assert set(others) == {"a", "b", "c"}
    for name, tensor in others.items():
        assert torch.equal(ours[name], tensor)
        assert ours[name].dtype == tensor.dtype
    assert ours.metadata == {"garasu": "x"}
    assert "dropped" not in ours


def test_only_the_finished_file_is_left(tmp_path):
    filled(tmp_path, tmp_path / "run.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["run.safetensors"]
    with pytest.raises(ZeroDivisionError), TensorLog(tmp_path) as log:
        log.add("a", torch.ones(3))
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["run.safetensors"]


@pytest.mark.parametrize(
    "change", [lambda data: data[:-1], lambda data: data + b"x", lambda data: data[:20], lambda _: b"no"]
)
def test_damage_is_refused(tmp_path, change):
    path = tmp_path / "run.safetensors"
    filled(tmp_path, path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(RecordError, match="cut short or damaged"):
        MappedTensors(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(RecordError, match="is missing"):
        MappedTensors(tmp_path / "run.safetensors")
