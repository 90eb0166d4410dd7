"""What a file is, by its content; and one sentence for everything that is not weights."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from garasu.checkpoints import CheckpointError, read
from garasu.checkpoints.files import container, open_weights, sha256

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 4265380512\n"
PAGE = b"\n<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>"
NOT_WEIGHTS: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "empty", "is empty"),
    "web page": (PAGE, "web page", "is a web page"),
    "upper-case page": (b"<HTML><body>429</body></HTML>", "web page", "is a web page"),
    "git-lfs": (POINTER, "git-lfs pointer", "git lfs pull"),
    "gguf": (b"GGUF\x03\0\0\0", "gguf", "is a GGUF file"),
    "text": (b"hello, this is not a model", "unknown", "neither safetensors nor a PyTorch file"),
    "one byte": (b"\x80", "unknown", "neither"),
    "a cut zip": (b"PK\x03\x04 and then nothing", "cut zip", "cut short"),
}


@pytest.mark.parametrize("case", NOT_WEIGHTS)
@pytest.mark.parametrize("name", ["m.safetensors", "m.ckpt"])
def test_what_is_not_weights(tmp_path: Path, case: str, name: str) -> None:
    content, kind, message = NOT_WEIGHTS[case]
    (tmp_path / name).write_bytes(content)
    assert container(tmp_path / name) == kind
    with pytest.raises(CheckpointError, match=message) as caught:
        read(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_weights_are_known_by_their_content(tmp_path: Path) -> None:
    weights = {"a": torch.ones(2)}
    save_file(weights, tmp_path / "a.ckpt")
    torch.save(weights, tmp_path / "b.safetensors")
    torch.save(weights, tmp_path / "c.txt", _use_new_zipfile_serialization=False)
    kinds = [container(tmp_path / name) for name in ("a.ckpt", "b.safetensors", "c.txt")]
    assert kinds == ["safetensors", "pickle (zip)", "pickle (old)"]
    for name in ("a.ckpt", "b.safetensors", "c.txt"):
        assert open_weights(tmp_path / name).tensors["a"].tolist() == [1, 1]


@pytest.mark.parametrize("write", [save_file, torch.save])
def test_cut_files(tmp_path: Path, write: object) -> None:
    write({"a": torch.ones(1000)}, tmp_path / "whole")  # type: ignore[operator]
    data = (tmp_path / "whole").read_bytes()
    for keep in (len(data) - 1, len(data) // 2, 60):
        (tmp_path / "cut").write_bytes(data[:keep])
        with pytest.raises(CheckpointError, match="cut short"):
            open_weights(tmp_path / "cut")


def test_another_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.ckpt", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(CheckpointError, match="zip archive without PyTorch weights"):
        open_weights(tmp_path / "a.ckpt")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist"):
        container(tmp_path / "a")


def test_the_hash_is_sha256_of_the_bytes(tmp_path: Path, sd1_file: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"two")
    assert sha256([tmp_path / "a", tmp_path / "b"]) == hashlib.sha256(b"onetwo").hexdigest()
    assert read(sd1_file).hash == hashlib.sha256(sd1_file.read_bytes()).hexdigest()
