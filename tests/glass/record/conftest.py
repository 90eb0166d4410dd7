"""A record that many tests read."""

from pathlib import Path

import pytest

from garasu.glass.record.opening import Record, open_record
from garasu.glass.record.options import RecordOptions
from garasu.glass.record.recording import record
from garasu.model import StableDiffusion
from garasu.tasks.txt2img import Txt2Img

RECIPE = Txt2Img(prompt="a black cat", negative_prompt="dog", seed=7, steps=4, count=2, guidance_scale=5)


@pytest.fixture(scope="session")
def run(tiny: StableDiffusion, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a record of two pictures in one batch, its panes exact."""
    folder = tmp_path_factory.mktemp("records") / "run"
    record(tiny, RECIPE, folder, RecordOptions(dtype="float32"))
    return folder


@pytest.fixture
def kept(run: Path) -> Record:
    """That record."""
    return open_record(run)
