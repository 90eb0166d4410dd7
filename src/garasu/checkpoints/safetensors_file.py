"""The safetensors format: 8 bytes of length, a JSON header, raw numbers. Mapped when read, streamed when written.

Reading it here, not through the library, is what lets a tensor be given back to the operating system as soon as it
was converted, and lets ``garasu info`` look into a damaged file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from garasu.checkpoints.errors import CheckpointError
from garasu.checkpoints.mapped import map_file
from garasu.images.saving import whole_file

DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
CODES = {dtype: code for code, dtype in DTYPES.items()}
LONGEST_HEADER = 100_000_000  # bytes; the format's own limit
ALIGNMENT = 8


@dataclass(frozen=True)
class Entry:
    """One tensor as the header describes it; ``start`` and ``stop`` count bytes after the header."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class Header:
    """What a file says it holds; ``offset`` is where the numbers begin."""

    entries: Mapping[str, Entry]
    metadata: Mapping[str, str]
    offset: int


@dataclass(frozen=True)
class Outgoing:
    """A tensor to be written: what it will be, and how to make it when its turn comes."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    make: Callable[[], Tensor]

    @property
    def size(self) -> int:
        """In bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(path: Path) -> Header:
    """The header alone, whether or not the numbers that it promises are there.

    Raises:
        CheckpointError: it is cut off or is no valid header.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        text = file.read(length) if length <= LONGEST_HEADER else b""
    if len(text) < length:
        raise CheckpointError(f"{path} is cut short inside its header: download or copy it again.")
    try:
        fields: dict[str, Any] = json.loads(text)
        metadata = fields.pop("__metadata__", None) or {}
        entries = {name: _entry(field) for name, field in fields.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} has a damaged safetensors header ({error!r}): download it again.") from None
    return Header(entries, metadata, 8 + length)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], Mapping[str, str]]:
    """All tensors as windows onto the mapped file, and the metadata.

    Raises:
        CheckpointError: the file is shorter than its header says, or damaged.
    """
    header = read_header(path)
    size = path.stat().st_size
    end = header.offset + max((entry.stop for entry in header.entries.values()), default=0)
    if end > size:
        raise CheckpointError(f"{path} is cut short: {size} of {end} bytes are there; download or copy it again.")
    data = map_file(path)[header.offset :]
    return {name: window(data, entry) for name, entry in header.entries.items()}, header.metadata


def write_tensors(path: Path, tensors: Mapping[str, Outgoing], metadata: Mapping[str, str]) -> None:
    """Write a file, making one tensor at a time, so that a converted copy never exists as a whole.

    The file appears under its name only when it is complete.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt", **metadata}}
    position = 0
    for name, tensor in tensors.items():
        ends = [position, position + tensor.size]
        header[name] = {"dtype": CODES[tensor.dtype], "shape": tensor.shape, "data_offsets": ends}
        position += tensor.size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    with whole_file(path) as beside, beside.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors.values():
            data = tensor.make().detach().to("cpu", tensor.dtype).contiguous()
            data.flatten().view(torch.uint8).numpy().tofile(file)


def _entry(field: Mapping[str, Any]) -> Entry:
    start, stop = field["data_offsets"]
    entry = Entry(DTYPES[field["dtype"]], tuple(field["shape"]), start, stop)
    if not 0 <= start <= stop or stop - start != math.prod(entry.shape) * entry.dtype.itemsize:
        raise ValueError(f"a tensor of shape {list(entry.shape)} cannot lie at bytes {start} to {stop}")
    return entry


def window(data: Tensor, entry: Entry) -> Tensor:
    """One tensor of ``data``, the bytes after the header: a view of them, or a copy where they lie askew."""
    part = data[entry.start : entry.stop]
    if part.data_ptr() % entry.dtype.itemsize:
        part = part.clone()  # some writers pad nothing, and a tensor must begin at a multiple of its item
    return part.view(entry.dtype).view(entry.shape)
