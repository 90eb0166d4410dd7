"""Records of the tiny model for the tests of pictures of records."""

from pathlib import Path
from typing import Any

from garasu.glass.record.opening import Record
from garasu.glass.record.options import RecordOptions
from garasu.glass.record.recording import record
from garasu.model import StableDiffusion
from garasu.tasks.txt2img import Txt2Img


def recorded(sd: StableDiffusion, folder: Path, *, heads: bool = False, every: int = 1, **fields: Any) -> Record:
    """A run of a black cat, its panes exact."""
    given = {"prompt": "a black cat", "seed": 7, "steps": 4, "guidance_scale": 5, **fields}
    return record(sd, Txt2Img(**given), folder / "run", RecordOptions(dtype="float32", heads=heads, every=every))
