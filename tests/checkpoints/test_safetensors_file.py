"""The format, held against the safetensors library; and files that are damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from garasu.checkpoints.errors import CheckpointError
from garasu.checkpoints.safetensors_file import DTYPES, Outgoing, read_header, read_tensors, write_tensors

TENSORS = {
    f"{str(dtype).removeprefix('torch.')}": torch.arange(-3, 9).reshape(3, 4).to(dtype)
    for dtype in DTYPES.values()
    if dtype not in (torch.uint8, torch.bool)
} | {"flags": torch.tensor([True, False]), "bytes": torch.tensor([7], dtype=torch.uint8), "scalar": torch.tensor(2.5)}


def outgoing(tensors: dict[str, torch.Tensor]) -> dict[str, Outgoing]:
    return {name: Outgoing(t.dtype, tuple(t.shape), lambda t=t: t) for name, t in tensors.items()}


def equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.float().equal(b.float())


def test_reads_what_the_library_writes(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "a", metadata={"who": "library"})
    found, metadata = read_tensors(tmp_path / "a")
    assert metadata == {"who": "library"}
    assert found.keys() == TENSORS.keys()
    assert all(equal(found[name], TENSORS[name]) for name in TENSORS)


def test_writes_what_the_library_reads(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a", outgoing(TENSORS), {"who": "ours"})
    found = load_file(tmp_path / "a")
    assert all(equal(found[name], TENSORS[name]) for name in TENSORS)
    with safe_open(tmp_path / "a", "pt") as file:
        assert file.metadata() == {"format": "pt", "who": "ours"}


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.lists(st.integers(0, 3), max_size=3), max_size=5))
def test_any_names_and_shapes_survive(tmp_path_factory: pytest.TempPathFactory, shapes: dict[str, list[int]]) -> None:
    shapes.pop("__metadata__", None)
    tensors = {name: torch.rand(shape) for name, shape in shapes.items() if name.isprintable()}
    path = tmp_path_factory.mktemp("any") / "a"
    write_tensors(path, outgoing(tensors), {})
    found, _ = read_tensors(path)
    assert found.keys() == tensors.keys() == load_file(path).keys()
    assert all(equal(found[name], tensors[name]) for name in tensors)


def test_the_data_begins_at_a_multiple_of_eight(tmp_path: Path) -> None:
    for name in ("a", "ab", "abc"):
        write_tensors(tmp_path / "x", outgoing({name: torch.zeros(3)}), {})
        assert read_header(tmp_path / "x").offset % 8 == 0


def test_a_file_whose_data_begins_anywhere_is_still_read(tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    header += b" " * ((3 - len(header)) % 4)
    (tmp_path / "a").write_bytes(
        len(header).to_bytes(8, "little") + header + torch.tensor([1.0, 2.0]).numpy().tobytes()
    )
    assert (8 + len(header)) % 4 == 3
    assert read_tensors(tmp_path / "a")[0]["a"].tolist() == [1.0, 2.0]


def test_writing_into_a_tensor_never_reaches_the_file(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(4)}, tmp_path / "a")
    read_tensors(tmp_path / "a")[0]["a"].fill_(1)
    assert load_file(tmp_path / "a")["a"].tolist() == [0, 0, 0, 0]


def with_header(path: Path, header: object, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


DAMAGED: dict[str, object] = {
    "not JSON": b"{ not json",
    "a list": b"[1, 2]",
    "no dtype": {"a": {"shape": [1], "data_offsets": [0, 4]}},
    "unknown dtype": {"a": {"dtype": "F3", "shape": [1], "data_offsets": [0, 4]}},
    "size and shape differ": {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}},
    "negative": {"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}},
    "backwards": {"a": {"dtype": "F32", "shape": [-1], "data_offsets": [4, 0]}},
    "not a table": {"a": 3},
    "one offset": {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}},
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_headers(tmp_path: Path, case: str) -> None:
    with pytest.raises(CheckpointError, match="damaged safetensors header"):
        read_tensors(with_header(tmp_path / "a", DAMAGED[case], b"\0" * 16))


@pytest.mark.parametrize("keep", [4, 40, -1])
def test_cut_short(tmp_path: Path, keep: int) -> None:
    save_file({"a": torch.zeros(100)}, tmp_path / "whole")
    (tmp_path / "cut").write_bytes((tmp_path / "whole").read_bytes()[:keep])
    with pytest.raises(CheckpointError, match="cut short"):
        read_tensors(tmp_path / "cut")


def test_a_header_that_claims_to_be_huge(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes((2**60).to_bytes(8, "little") + b"{}")
    with pytest.raises(CheckpointError, match="cut short"):
        read_header(tmp_path / "a")
