"""What these tests share: small checkpoints in every layout, written once."""

from __future__ import annotations

import gzip
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.checkpoints import compvis
from tests.checkpoints.models import Models, states, tiny

from garasu.prompts.vocabulary import CLIP_MERGES, byte_symbols, find_vocabulary


@pytest.fixture(scope="session", autouse=True)
def clip_vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """CLIP's vocabulary where open_clip_torch is installed; where not, one of the same size in its place."""
    if find_vocabulary() is not None:
        yield
        return
    package = tmp_path_factory.mktemp("site") / "open_clip"
    package.mkdir()
    (package / "__init__.py").touch()
    pairs = itertools.islice(itertools.product(list(byte_symbols().values())[:223], repeat=2), CLIP_MERGES)
    lines = ["#version", *(f"{a} {b}" for a, b in pairs)]
    (package / "bpe_simple_vocab_16e6.txt.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    sys.path.insert(0, str(package.parent))
    yield
    sys.path.remove(str(package.parent))


@pytest.fixture(scope="session")
def sd1() -> Models:
    return tiny("sd1")


@pytest.fixture(scope="session")
def sd2() -> Models:
    return tiny("sd2", seed=2)


@pytest.fixture(scope="session")
def sd1_folder(sd1: Models, clip_vocabulary: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Saved by diffusers; tests copy it before they change it."""
    return sd1.save(tmp_path_factory.mktemp("sd1"))


@pytest.fixture(scope="session")
def sd2_folder(sd2: Models, clip_vocabulary: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sd2.save(tmp_path_factory.mktemp("sd2"))


@pytest.fixture(scope="session")
def sd1_flat(sd1: Models) -> dict[str, torch.Tensor]:
    """The keys and tensors of a CompVis file."""
    return compvis.checkpoint(states(sd1))


@pytest.fixture(scope="session")
def sd1_file(sd1_flat: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("single") / "tiny.safetensors"
    save_file(sd1_flat, path)
    return path
