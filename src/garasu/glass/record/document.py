"""run.json: all of a record that is no tensor, as one checked document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from garasu.glass.record.errors import RecordError
from garasu.images.saving import whole_file

FORMAT: Literal["garasu run record"] = "garasu run record"
ID = "garasu"  # of the record, in the metadata of the tensors' file
VERSION = 1
DOCUMENT = "run.json"
TENSORS = "run.safetensors"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")  # later versions may say more


class Evaluation(_Part):
    """One call of the denoiser. ``rows`` and ``panes`` are empty where its predictions were not kept."""

    sigma: float
    t: float
    seconds: float
    rows: tuple[str, ...] = ()  # of eps, panes and conditioning: "negative 0", "prompt 0", …
    panes: tuple[str, ...] = ()
    conditioning: int | None = None  # which of the record's
    edited: bool = False  # whether whoever watched changed the latent or x0
    channels_last: tuple[bool, bool] = (False, False)  # how latent and x0 lay in memory: convolutions round by it


class WalkEntry(_Part):
    """One walk down the noise levels, of a batch of pictures."""

    group: int  # walks of one group make the same pictures: a first and a larger pass, or window after window
    grid: tuple[int, int]
    rows: tuple[str, ...]  # a label for each row of the latent: "seed 7", …
    evaluations: tuple[Evaluation, ...]


class PictureEntry(_Part):
    """A finished picture: which row of which group it is, and its own recipe."""

    group: int
    row: int
    recipe: dict[str, Any]


class Words(_Part):
    """A prompt in tokens, one for each place of the conditioning; ``pieces`` are empty where no text stands."""

    text: str
    ids: tuple[int, ...]
    pieces: tuple[str, ...]


class Kept(_Part):
    """What the record was asked to keep."""

    panes: tuple[str, ...]
    every: int
    dtype: str
    heads: bool


class Document(_Part):
    """All of it. ``id`` also stands in the file of tensors, so that files of two records are never mixed."""

    format: Literal["garasu run record"]
    version: int
    id: str
    size: int  # of the file of tensors, in bytes
    task: str
    recipe: dict[str, Any]
    made_with: dict[str, Any]
    versions: dict[str, str]
    changed_at: int = 0  # of a replay: the step from which it was another run than the one replayed
    origin: str = ""  # and the id of that one's record
    kept: Kept
    phrases: tuple[Words, ...] = ()  # all that the prompts say at any step
    whole: dict[str, int] = {}  # the phrase that "prompt" or "negative_prompt" is, where it is one row of tokens
    conditionings: tuple[tuple[int | None, ...], ...] = ()  # which phrase each row of each conditioning says
    walks: tuple[WalkEntry, ...]
    pictures: tuple[PictureEntry, ...]
    seconds: float

    def save(self, folder: Path) -> None:
        """Write run.json."""
        with whole_file(folder / DOCUMENT) as beside:
            beside.write_text(self.model_dump_json(indent=1), encoding="utf-8")


def read_document(folder: Path) -> Document:
    """run.json of a record.

    Raises:
        RecordError: there is none, it is something else's, of a later version, or damaged.
    """
    path = folder / DOCUMENT
    if not path.is_file():
        raise RecordError(f"there is no finished record in {folder}: {DOCUMENT} is missing (make one with --record)")
    fields = _fields(path)
    if fields.get("format") != FORMAT:
        raise RecordError(f"{path} is no record of garasu's: name a folder that --record made")
    if not isinstance(fields.get("version"), int) or fields["version"] > VERSION:
        raise RecordError(f"{path} was written by a later garasu (version {fields.get('version')}): update garasu")
    try:
        return Document(**fields)
    except ValidationError as problem:
        place = ".".join(map(str, problem.errors()[0]["loc"]))
        raise RecordError(f"{path} is damaged at {place}: copy or make the record again") from None


def check_folder(folder: Path) -> None:
    """Before any work: whether a record can be kept in this folder, which need not exist.

    Raises:
        RecordError: it is a file, or has a run.json of something else's.
        FileNotFoundError: the folder around it does not exist.
    """
    if folder.is_file():
        raise RecordError(f"{folder} is a file: a record needs a folder of its own")
    if not folder.absolute().parent.is_dir():
        raise FileNotFoundError(f"the folder {folder.parent} does not exist: make it first (mkdir -p {folder.parent})")
    path = folder / DOCUMENT
    if path.is_file() and _fields(path).get("format") != FORMAT:
        raise RecordError(f"{path} is no record of garasu's and would be replaced: name another folder")


def _fields(path: Path) -> dict[str, Any]:
    try:
        fields = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise RecordError(f"{path} is cut short or damaged: copy or make the record again") from None
    return fields if isinstance(fields, dict) else {}
