"""Records that the tests of pages read, and a page in a browser."""

from collections.abc import Callable
from pathlib import Path

import pytest

from garasu.glass.record.opening import Record
from garasu.glass.record.options import RecordOptions
from garasu.glass.record.recording import record
from garasu.model import StableDiffusion
from garasu.tasks.txt2img import Txt2Img

RECIPE = {"seed": 7, "steps": 4, "guidance_scale": 5}
Keep = Callable[..., Record]


@pytest.fixture(scope="session")
def keep(tiny: StableDiffusion, tmp_path_factory: pytest.TempPathFactory) -> Keep:
    """Make a record of a prompt; of the same arguments it is made once."""
    made: dict[tuple[object, ...], Record] = {}

    def one(prompt: str, options: RecordOptions | None = None, **fields: object) -> Record:
        key = (prompt, options, *sorted(fields.items()))
        if key not in made:
            folder: Path = tmp_path_factory.mktemp("records") / "run"
            made[key] = record(tiny, Txt2Img(prompt=prompt, **{**RECIPE, **fields}), folder, options or RecordOptions())
        return made[key]

    return one


@pytest.fixture
def kept(keep: Keep) -> Record:
    """Two pictures of a black cat."""
    return keep("a black cat", negative_prompt="dog", count=2)
