"""A whole model trained on the toy recipe, once for all tests that only look at it."""

from pathlib import Path

import pytest
import torch

from garasu.training.base import train_base


@pytest.fixture(scope="session")
def toy_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder: pictures, tokenizer, every part, and model/."""
    run = tmp_path_factory.mktemp("toy") / "run"
    with torch.random.fork_rng():
        train_base(run, recipe="toy", device="cpu")
    return run
