"""One file of weights: what it is, by its content and never by its name, and its tensors."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from torch import Tensor

from garasu.checkpoints import safe_pickle, safetensors_file
from garasu.checkpoints.errors import CheckpointError

Container = Literal[
    "safetensors", "pickle (zip)", "pickle (old)",
    "empty", "cut zip", "other zip", "git-lfs pointer", "web page", "gguf", "unknown",
]  # fmt: skip

REFUSALS: Mapping[Container, str] = {
    "empty": "is empty: the download or copy was cut off, so fetch it again",
    "cut zip": "is a PyTorch file that was cut short: download or copy it again",
    "other zip": "is a zip archive without PyTorch weights in it: unpack it and name the file of weights inside",
    "git-lfs pointer": "is a git-lfs pointer, not the weights: run `git lfs pull` in its folder, or download the file",
    "web page": "is a web page, not weights: use the page's download link (on the hub, /resolve/ instead of /blob/)",
    "gguf": "is a GGUF file, which garasu does not read: get the .safetensors of the same model",
    "unknown": "is neither safetensors nor a PyTorch file: name a .safetensors, a .ckpt or a diffusers folder",
}


@dataclass(frozen=True)
class WeightFile:
    """A file of weights and what its header says besides. ``mapped``: the tensors are windows onto the file."""

    path: Path
    container: Container
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str] = field(default_factory=dict)
    mapped: bool = True


def container(path: Path) -> Container:
    """What kind of file this is, judged by its first bytes.

    Raises:
        CheckpointError: there is no such file.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist; name a file of weights, a diffusers folder or a hub id.")
    with path.open("rb") as file:
        start = file.read(512)
    if start[:4] == b"PK\x03\x04":
        return _zip(path)
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= safetensors_file.LONGEST_HEADER:
        return "safetensors"
    marks: list[tuple[bool, Container]] = [
        (not start, "empty"),
        (start[:1] == b"\x80" and start[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"}, "pickle (old)"),
        (start.startswith(b"version https://git-lfs"), "git-lfs pointer"),
        (start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")), "web page"),
        (start.startswith(b"GGUF"), "gguf"),
    ]
    return next((kind for matches, kind in marks if matches), "unknown")


def open_weights(path: Path) -> WeightFile:
    """The tensors of one file, memory-mapped where its kind allows.

    Raises:
        CheckpointError: it is not a file of weights, is damaged, or is a pickle that wants to run code.
    """
    kind = container(path)
    if kind in REFUSALS:
        raise CheckpointError(f"{path} {REFUSALS[kind]}.")
    if kind == "safetensors":
        return WeightFile(path, kind, *safetensors_file.read_tensors(path))
    return WeightFile(path, kind, safe_pickle.read_tensors(path), mapped=safe_pickle.can_map(path))


def sha256(paths: Iterable[Path]) -> str:
    """SHA-256 of one file, or of several in this order, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _zip(path: Path) -> Container:
    if not zipfile.is_zipfile(path):
        return "cut zip"
    with zipfile.ZipFile(path) as archive:
        pickled = any(name.endswith("/data.pkl") for name in archive.namelist())
    return "pickle (zip)" if pickled else "other zip"
