"""How a model came about, kept beside its weights in ``training.json``: every run that it went through, in turn."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from garasu.hardware import processor
from garasu.images.saving import whole_file
from garasu.training.data import Pictures, open_pictures
from garasu.world.scene import ATTRIBUTES

FILE = "training.json"


@dataclass(frozen=True)
class TrainedPart:
    """One part of a run: its ``LoopSettings`` as a dict, and the seconds that its steps took."""

    settings: dict[str, Any]
    seconds: float


@dataclass(frozen=True)
class Run:
    """One run folder. ``pictures`` has (width, height, how many); ``drawn``: whether they are of the drawn world."""

    fresh: bool  # from scratch, not from a model
    hardware: str
    threads: int
    pictures: tuple[tuple[int, int, int], ...]
    captions: int  # of each picture
    drawn: bool
    parts: dict[str, TrainedPart]


def record_of(run: Path, parts: Iterable[str], device: torch.device, *, fresh: bool) -> Run:
    """What the run folder ``run`` has finished of ``parts`` so far."""
    pictures = open_pictures(run / "pictures")
    finished = [name for name in parts if (run / name / "weights.safetensors").is_file()]
    return Run(
        fresh=fresh,
        hardware=processor(device),
        threads=torch.get_num_threads(),
        pictures=tuple((*one.size, len(one.captions)) for one in pictures.buckets),
        captions=len(pictures.buckets[0].captions[0]),
        drawn=_are_drawn(pictures),
        parts={name: _trained(run / name) for name in finished},
    )


def read_history(model: Path | None) -> list[Run]:
    """The runs of a model or VAE folder; none where nobody wrote them down."""
    if model is None or not (model / FILE).is_file():
        return []
    return [
        Run(
            **one
            | {
                "pictures": tuple(map(tuple, one["pictures"])),
                "parts": {name: TrainedPart(**part) for name, part in one["parts"].items()},
            }
        )
        for one in json.loads((model / FILE).read_text(encoding="utf-8"))
    ]


def write_history(model: Path, history: Sequence[Run]) -> None:
    """Put the runs into a model or VAE folder."""
    with whole_file(model / FILE) as beside:
        runs = ",\n".join(json.dumps(asdict(one), ensure_ascii=False) for one in history)
        beside.write_text(f"[\n{runs}\n]\n", encoding="utf-8")


def joined(*histories: Sequence[Run]) -> list[Run]:
    """The runs of several parents, those that they share once."""
    runs = [run for history in histories for run in history]
    return [run for index, run in enumerate(runs) if run not in runs[:index]]


def _are_drawn(pictures: Pictures) -> bool:
    labels = pictures.buckets[0].labels
    return bool(labels) and set(ATTRIBUTES) <= labels[0].keys()


def _trained(part: Path) -> TrainedPart:
    settings = json.loads(torch.load(part / "state.pt", map_location="cpu", mmap=True, weights_only=True)["settings"])
    lines = [json.loads(line) for line in (part / "log.jsonl").read_text().splitlines()]
    return TrainedPart(settings, round(_seconds(lines, settings["batch"]), 1))


def _seconds(lines: Sequence[dict[str, Any]], batch: int) -> float:
    """Time spent, line by line at each line's own rate: a run that was resumed may have gone on faster or slower."""
    steps = [0, *(line["step"] for line in lines)]
    rates = [line["pictures_per_second"] for line in lines]
    return sum(max(b - a, 0) * batch / rate for (a, b), rate in zip(pairwise(steps), rates, strict=True) if rate)
