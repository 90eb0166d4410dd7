"""The process of one subject: `python -m benchmarks.worker NAME FOLDER CACHE SIZE DEVICE`.

It answers questions, one JSON object a line, on what was its standard output; whatever libraries print goes to standard
error. Between questions it sleeps, so that subjects can be measured in turns.
"""

import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks import subjects
from benchmarks.weights import SIZES

CALLS = {"cpu": 3, "cuda": 20}  # of a network to a sample: the steps of a picture follow one another, caches warm
Figures = dict[str, float]


class Worker:
    """One subject and the calls that were prepared for it."""

    def __init__(self, name: str, folder: str, cache: str, size: str, device: str) -> None:
        self.device = device
        self.subject = subjects.build(name, Path(folder), Path(cache), SIZES[size], device)
        self.prepared: tuple[str, Callable[[], object]] | None = None

    def answer(self, task: dict[str, Any]) -> dict[str, Any]:
        """Figures for one question."""
        question = dict(task)
        do = question.pop("do")
        if do == "pictures":
            return self.pictures(**question)
        if do == "first":
            return self.first(**question)
        return self.call(do, question)

    def call(self, do: str, question: dict[str, int]) -> Figures:
        """Seconds of one call of a network; what it needs is prepared on the first such question."""
        key = json.dumps([do, question], sort_keys=True)
        if self.prepared is None or self.prepared[0] != key:
            self.prepared = None
            gc.collect()
            self.prepared = key, getattr(self.subject, do)(**question)
        work = self.prepared[1]
        calls = CALLS[self.device]
        self.settle()
        start = time.perf_counter()
        for _ in range(calls):
            work()
        self.settle()
        return {"seconds": (time.perf_counter() - start) / calls}

    def pictures(self, save: str = "", **question: int) -> Figures:
        """Seconds for each picture of a batch from prompt to PIL, its steps' part, and the peak of memory."""
        self.reset_peak()
        laps = {"start": self.now()}
        made = self.subject.pictures(**question, lap=lambda part: laps.update({part: self.now()}))
        if save:
            made[0].save(save)
        count = question["count"]
        return {
            "seconds": (laps["decode"] - laps["start"]) / count,
            "steps_seconds": (laps["steps"] - laps["text"]) / count,
            "peak_bytes": self.peak(),
        }

    def first(self, **question: int) -> dict[str, Any]:
        """Load, draw and save, then draw once more. `saved_at` is for the parent, who knows when this process began."""
        start = self.now()
        self.subject.load()
        loaded = self.now()
        with tempfile.TemporaryDirectory() as folder:
            self.pictures(**question, save=f"{folder}/first.png")
        saved_at = time.time()
        peak = self.peak()
        warm = self.pictures(**question)
        return {
            "load_seconds": loaded - start,
            "saved_at": saved_at,
            "warm_seconds": warm["seconds"],
            "peak_bytes": peak,
        }

    def settle(self) -> None:
        """Wait for the GPU."""
        if self.device == "cuda":
            torch.cuda.synchronize()

    def now(self) -> float:
        """Seconds, once everything asked for is done."""
        self.settle()
        return time.perf_counter()

    def reset_peak(self) -> None:
        """Count from here, on a GPU."""
        if self.device == "cuda":
            torch.cuda.reset_peak_memory_stats()

    def peak(self) -> int:
        """Bytes: of the GPU's memory since the reset; on a CPU of this process since its start."""
        if self.device == "cuda":
            return torch.cuda.max_memory_allocated()
        return peak_resident()


def peak_resident() -> int:
    """This process's largest resident memory, bytes. On Linux not ru_maxrss, which counts what its parent held."""
    status = Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker: Worker | None = None
    for line in sys.stdin:
        try:
            worker = worker or Worker(*sys.argv[1:])
            with torch.no_grad():
                reply = worker.answer(json.loads(line))
        except Exception as failure:  # the parent reports it and goes on with the others
            reply = {"error": f"{type(failure).__name__}: {failure}"}
        print(json.dumps(reply), file=answers, flush=True)


if __name__ == "__main__":
    main()
