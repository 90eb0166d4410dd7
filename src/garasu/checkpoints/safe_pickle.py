"""Reading .ckpt, .pt and .bin without running what is in them.

A pickle is a program. PyTorch's restricted reader (``weights_only=True``) runs none of it but the rebuilding of
tensors and plain containers. Real checkpoints of 2022 also carry the trainer's bookkeeping, whose classes that
reader refuses; here those names are given an inert class that swallows whatever it is called with, so that no code
of theirs runs and nothing of theirs needs to be installed.
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from garasu.checkpoints.errors import CheckpointError, listed

BOOKKEEPING = (
    "pytorch_lightning.",
    "lightning.",
    "lightning_fabric.",
    "omegaconf.",
    "numpy.core.multiarray.",
    "numpy._core.multiarray.",
    "numpy.dtype",
    "numpy.ndarray",
)


class Inert:
    """Stands for a class that is neither imported nor run; any arguments and any state vanish in it."""

    def __new__(cls, *_args: object, **_kwargs: object) -> Inert:
        """Accept everything, keep nothing."""
        return super().__new__(cls)

    def __init__(self, *_args: object, **_kwargs: object) -> None:
        """Accept everything, keep nothing."""

    def __setstate__(self, _state: object) -> None:
        """Accept everything, keep nothing."""


def unsafe_names(path: Path) -> list[str]:
    """What the pickle would call beyond tensors and plain containers, found by reading it, not by running it."""
    if not zipfile.is_zipfile(path):
        return []  # PyTorch can list these for its zip format only; the restricted reader still guards the old one
    return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(str(path)))


def can_map(path: Path) -> bool:
    """Whether PyTorch can map the file: it must be of the zip format, and not be named as if it were safetensors."""
    return zipfile.is_zipfile(path) and path.suffix != ".safetensors"


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a pickled checkpoint, memory-mapped if ``can_map``.

    Raises:
        CheckpointError: it is damaged, holds no state dict, or wants to run code.
    """
    try:
        names = unsafe_names(path)
        with torch.serialization.safe_globals([(Inert, name) for name in names if name.startswith(BOOKKEEPING)]):
            content = _load(path)
    except pickle.UnpicklingError as error:
        raise CheckpointError(_refusal(path, error)) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        first = str(error).partition("\n")[0]
        raise CheckpointError(f"{path} is a damaged PyTorch file ({first}): download or copy it again.") from None
    return _tensors(path, content)


def _load(path: Path) -> Any:
    if can_map(path):
        return torch.load(str(path), map_location="cpu", mmap=True, weights_only=True)
    with path.open("rb") as file:
        return torch.load(file, map_location="cpu", weights_only=True)


def _refusal(path: Path, error: pickle.UnpicklingError) -> str:
    try:
        names = [name for name in unsafe_names(path) if not name.startswith(BOOKKEEPING)]
    except pickle.UnpicklingError:
        names = []
    what = f"would call {listed(names)}" if names else f"is not plain weights ({str(error).partition('. ')[0]})"
    return (
        f"{path} is a pickle that {what}, so it was not opened; if you trust its source, convert it to .safetensors "
        "where running it can do no harm, or look for a .safetensors of the same model."
    )


def _tensors(path: Path, content: Any) -> dict[str, Tensor]:
    weights = content.get("state_dict", content) if isinstance(content, Mapping) else None
    found = {k: v for k, v in weights.items() if isinstance(v, Tensor)} if isinstance(weights, Mapping) else {}
    if not found:
        raise CheckpointError(f"{path} holds no weights: expected named tensors, or a state_dict of them.")
    return {str(name): tensor.detach() for name, tensor in found.items()}
