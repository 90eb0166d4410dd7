"""Tensors on their way into a safetensors file while it is not known yet how many there will be, and out of it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor

from garasu.checkpoints.errors import CheckpointError
from garasu.checkpoints.mapped import map_file
from garasu.checkpoints.safetensors_file import ALIGNMENT, CODES, Entry, read_header, window
from garasu.glass.record.errors import RecordError
from garasu.images.saving import whole_file


class TensorLog:
    """Takes tensors one by one, on disk and not in memory; ``finish`` puts the header before them.

    Left before that, or by an exception, it leaves nothing behind.
    """

    def __init__(self, folder: Path) -> None:
        """``folder``: where the finished file will be."""
        handle, name = tempfile.mkstemp(prefix=".run-", suffix=".part", dir=folder)
        self._path = Path(name)
        self._file = os.fdopen(handle, "w+b")
        self._entries: dict[str, Entry] = {}
        self.size = 0  # in bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, _: TracebackType | None
    ) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, name: str, tensor: Tensor) -> None:
        """Write one tensor; its bytes are on disk afterwards, and it may change."""
        data = tensor.detach().to("cpu").contiguous()
        data.flatten().view(torch.uint8).numpy().tofile(self._file)
        self._entries[name] = Entry(data.dtype, tuple(data.shape), self.size, self.size + data.nbytes)
        self.size += data.nbytes

    def rewind(self, count: int) -> None:
        """Forget all but the first ``count`` tensors."""
        kept = dict(list(self._entries.items())[:count])
        self.size = max((entry.stop for entry in kept.values()), default=0)
        self._entries = kept
        self._file.seek(self.size)
        self._file.truncate()

    def finish(self, path: Path, metadata: Mapping[str, str]) -> int:
        """Write the file whole, under its name; how many bytes it has."""
        header: dict[str, Any] = {"__metadata__": dict(metadata)}
        for name, entry in self._entries.items():
            ends = [entry.start, entry.stop]
            header[name] = {"dtype": CODES[entry.dtype], "shape": entry.shape, "data_offsets": ends}
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % ALIGNMENT)
        self._file.seek(0)
        with whole_file(path) as beside, beside.open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            shutil.copyfileobj(self._file, file, 1 << 20)
        return 8 + len(text) + self.size


class MappedTensors:
    """The tensors of a file, each read from disk when it is asked for."""

    def __init__(self, path: Path) -> None:
        """Raises RecordError for a file that is missing, cut short, or no safetensors file."""
        if not path.is_file():
            raise RecordError(f"{path} is missing: a record is run.json and run.safetensors together")
        try:
            header = read_header(path)
        except CheckpointError:
            raise RecordError(f"{path} is cut short or damaged: copy or make the record again") from None
        end = header.offset + max((entry.stop for entry in header.entries.values()), default=0)
        if end != path.stat().st_size:
            raise RecordError(
                f"{path} is cut short or damaged ({path.stat().st_size} of {end} bytes): copy or make the record again"
            )
        self.metadata = header.metadata
        self._entries = header.entries
        self._data = map_file(path)[header.offset :]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __getitem__(self, name: str) -> Tensor:
        return window(self._data, self._entries[name])

    def shape(self, name: str) -> tuple[int, ...]:
        """Without reading it."""
        return self._entries[name].shape
