"""Measuring in turns: A B C, A B C, …, so that a machine that grows slow grows slow for everyone."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import load as machine_load
from benchmarks.measures import FIGURES, Measure
from benchmarks.processes import Place, Process, WorkerError
from benchmarks.report import amount
from benchmarks.subjects import SUBJECTS

Sample = dict[str, Any]  # subject, measure, group, round (0 is the warm-up), at (seconds since the start), figures
HEADROOM = 1.3  # of the files' bytes at the subject's precision, that must be free before it is loaded


@dataclass
class Run:
    """One comparison: how it is measured, and what was."""

    place: Place
    repeats: int
    budget: float  # seconds
    watch: Callable[["Run", str], None]  # told of everything that happens
    samples: list[Sample] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)  # subject, measure, why
    began: float = field(default_factory=time.monotonic)

    @property
    def deadline(self) -> float:
        """Of `time.monotonic`."""
        return self.began + self.budget

    def measure(self, names: Sequence[str], measures: Sequence[Measure]) -> None:
        """Everything: first what processes that stay are asked in turns, then what needs fresh ones."""
        lasting = [measure for measure in measures if not measure.fresh]
        for group, members in groups(names, self.place.device) if lasting else ():
            with ExitStack() as stack:
                processes = {name: stack.enter_context(Process(name, self.place)) for name in members}
                for measure in lasting:
                    self._lasting(group, measure, processes)
        for measure in measures:
            if measure.fresh:
                self._fresh(measure, [name for name in names if not self._starts_slowly(name, measure)])

    def leave_out(self, name: str, measure: str, why: str) -> None:
        """Say that something was not measured."""
        self.left_out.append({"subject": name, "measure": measure, "why": why})
        self.watch(self, f"{name:18} {measure:12} {why}")

    def _starts_slowly(self, name: str, measure: Measure) -> bool:
        if SUBJECTS[name].slow_start:
            self.leave_out(name, measure.name, "compiles for minutes first")
        return SUBJECTS[name].slow_start

    def _fresh(self, measure: Measure, names: list[str]) -> None:
        """A new process for each sample; no warm-up, as that is the point."""
        for turn in range(1, self.repeats + 1):
            names = [name for name in names if self._time_for(name, measure) and self._first(measure, turn, name)]

    def _first(self, measure: Measure, turn: int, name: str) -> bool:
        with Process(name, self.place) as process:
            try:
                figures = process.ask(measure.task, self.deadline)
            except WorkerError as failure:
                self.leave_out(name, measure.name, str(failure))
                return False
        figures["cold_seconds"] = figures.pop("saved_at") - process.started_at
        self._keep(name, measure, "fresh", turn, figures)
        return True

    def _lasting(self, group: str, measure: Measure, processes: dict[str, Process]) -> None:
        """A warm-up, kept as round 0, then the rounds."""
        names = list(processes)
        at_once = self.place.device == "cuda"  # most of the warm-up is compiling, which the CPUs do
        for name in names if at_once else ():
            processes[name].send(measure.task)
        for turn in range(self.repeats + 1):
            sent = at_once and turn == 0
            names = [
                name
                for name in names
                if (sent or self._time_for(name, measure)) and self._turn(group, measure, turn, processes[name], sent)
            ]
        for name in [name for name in processes if processes[name].ended]:
            del processes[name]

    def _turn(self, group: str, measure: Measure, turn: int, process: Process, sent: bool) -> bool:
        name = process.name
        try:
            if not sent:
                if not process.asked:
                    check_memory(self.place, name)
                process.send(measure.task)
            figures = process.receive(self.deadline)
        except WorkerError as failure:
            self.leave_out(name, measure.name, str(failure))
            if failure.final:
                process.end()
            return False
        self._keep(name, measure, group, turn, figures)
        return True

    def _time_for(self, name: str, measure: Measure) -> bool:
        """Whether one more sample fits, judged by how long the last one took (not the first, which may compile)."""
        last = [s for s in self.samples if (s["subject"], s["measure"]) == (name, measure.name) and s["round"]]
        fits = time.monotonic() + (last[-1]["took"] if last else 0) < self.deadline
        if not fits:
            self.leave_out(name, measure.name, f"no time left, {len(last)} samples")
        return fits

    def _keep(self, name: str, measure: Measure, group: str, turn: int, figures: dict[str, float]) -> None:
        at = time.monotonic() - self.began
        took = at - (self.samples[-1]["at"] if self.samples else 0)
        known = {key: figures[key] for key in measure.figures}
        sample = {"subject": name, "measure": measure.name, "group": group, "round": turn, "at": at, "took": took}
        self.samples.append({**sample, "load": machine_load(), **known})
        first = measure.figures[0]
        shown = amount(known[first], FIGURES[first][1])
        self.watch(self, f"{at:6.0f} s  {name:18} {measure.name:12} {turn or 'warm-up':>8} {shown:>10}")


def groups(names: Sequence[str], device: str) -> Iterator[tuple[str, list[str]]]:
    """Who is held in memory together: on a CPU those of one precision, and diffusers as it comes beside both."""
    if device != "cpu":
        yield "all", list(names)
        return
    precisions = [one for one in ("bf16", "fp32") if any(SUBJECTS[name].precision == one for name in names)]
    for precision in precisions or ["both"]:
        yield precision, [name for name in names if SUBJECTS[name].precision in (precision, "both")]


def check_memory(place: Place, name: str) -> None:
    """Raises WorkerError where memory has no room for a subject beside what runs already. Only Linux tells."""
    status = Path("/proc/meminfo")
    if place.device != "cpu" or not status.is_file():
        return
    free = next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if "MemAvailable" in line)
    files = sum(path.stat().st_size for path in place.folder.rglob("*.safetensors"))  # float16
    wanted = files * HEADROOM * (1 if SUBJECTS[name].precision == "bf16" else 2)
    if free < wanted:
        raise WorkerError(f"too little memory: {free / 1e9:.1f} GB free, {wanted / 1e9:.1f} wanted")
