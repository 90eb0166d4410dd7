"""Turns, budgets and failures, with workers that only pretend."""

import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import interleave
from benchmarks.interleave import Run, check_memory, groups
from benchmarks.measures import measures
from benchmarks.processes import Place, WorkerError
from benchmarks.weights import SIZES

TOY = measures(SIZES["toy"])
OURS, THEIRS, THIRD = "ours-bf16", "diffusers-bf16", "plain-bf16"


class Pretended:
    """Stands for a Process: notes what it is asked, and answers at once."""

    asked_in_order: list[tuple[str, str]]
    alive: set[str]
    failing: dict[str, WorkerError]
    seconds: float

    def __init__(self, name: str, place: Place) -> None:
        self.name = name
        self.asked = self.ended = False
        self.started_at = time.time()

    def __enter__(self) -> "Pretended":
        type(self).alive.add(self.name)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        self.ended = True
        type(self).alive.discard(self.name)

    def send(self, task: dict[str, Any]) -> None:
        self.asked = True
        self.asked_in_order.append(("send", self.name))

    def receive(self, deadline: float) -> dict[str, Any]:
        self.asked_in_order.append(("receive", self.name))
        if self.name in self.failing:
            raise self.failing[self.name]
        time.sleep(self.seconds)
        figures = dict.fromkeys(("seconds", "steps_seconds", "load_seconds", "warm_seconds", "peak_bytes"), 1.0)
        return {**figures, "saved_at": time.time()}

    def ask(self, task: dict[str, Any], deadline: float) -> dict[str, Any]:
        self.send(task)
        return self.receive(deadline)


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> type[Pretended]:
    fresh = {"asked_in_order": [], "alive": set(), "failing": {}, "seconds": 0.0}
    kind = type("Pretended", (Pretended,), fresh)
    monkeypatch.setattr(interleave, "Process", kind)
    return kind


def run(device: str = "cpu", repeats: int = 2, budget: float = 60) -> Run:
    return Run(Place(Path("nowhere"), Path("nowhere"), "toy", device), repeats, budget, lambda *_: None)


def order(made: Run) -> list[tuple[str, int]]:
    return [(sample["subject"], sample["round"]) for sample in made.samples]


def test_subjects_take_turns_after_a_warm_up(pretended: type[Pretended]) -> None:
    made = run()
    made.measure([OURS, THEIRS], [TOY["step"]])
    assert order(made) == [(name, turn) for turn in (0, 1, 2) for name in (OURS, THEIRS)]
    assert pretended.asked_in_order[:4] == [("send", OURS), ("receive", OURS), ("send", THEIRS), ("receive", THEIRS)]
    assert not pretended.alive


def test_fresh_processes_take_turns_too_without_a_warm_up_and_alone(pretended: type[Pretended]) -> None:
    made = run()
    made.measure([OURS, THEIRS, "diffusers-compiled"], [TOY["picture"], TOY["step"]])
    fresh = [(s["subject"], s["round"]) for s in made.samples if s["group"] == "fresh"]
    assert fresh == [(OURS, 1), (THEIRS, 1), (OURS, 2), (THEIRS, 2)]
    assert made.samples[-1]["group"] == "fresh"  # after those that stay in memory
    assert all(0 <= sample["cold_seconds"] < 5 for sample in made.samples if sample["group"] == "fresh")
    assert {"subject": "diffusers-compiled", "measure": "picture", "why": "compiles for minutes first"} in made.left_out


def test_on_a_gpu_all_warm_up_at_once(pretended: type[Pretended]) -> None:
    made = run("cuda", repeats=1)
    made.measure([OURS, THEIRS], [TOY["step"]])
    assert [kind for kind, _ in pretended.asked_in_order] == ["send", "send", "receive", "receive"] + [
        "send",
        "receive",
    ] * 2
    assert order(made) == [(OURS, 0), (THEIRS, 0), (OURS, 1), (THEIRS, 1)]


def test_one_that_fails_is_named_and_the_others_go_on(pretended: type[Pretended]) -> None:
    pretended.failing[OURS] = WorkerError("RuntimeError: no")
    pretended.failing[THIRD] = WorkerError("ended with code -9", final=True)
    made = run(repeats=1)
    made.measure([OURS, THEIRS, THIRD], [TOY["step"], TOY["text"]])
    assert order(made) == [(THEIRS, 0), (THEIRS, 1)] * 2
    why = [(one["subject"], one["measure"], one["why"]) for one in made.left_out]
    assert why == [
        (OURS, "step", "RuntimeError: no"),
        (THIRD, "step", "ended with code -9"),
        (OURS, "text", "RuntimeError: no"),  # it still lives, so it is asked again; the other is gone
    ]


def test_no_sample_begins_that_the_budget_has_no_time_for(pretended: type[Pretended]) -> None:
    pretended.seconds = 0.2
    made = run(repeats=50, budget=1.1)
    began = time.monotonic()
    made.measure([OURS, THEIRS], [TOY["step"], TOY["text"]])
    assert time.monotonic() - began < 1.3
    assert 3 <= len(made.samples) <= 6
    assert {one["measure"] for one in made.left_out} == {"step", "text"}
    assert all("no time left" in one["why"] for one in made.left_out)


def test_no_fresh_process_begins_when_time_is_up(pretended: type[Pretended]) -> None:
    pretended.seconds = 0.2
    made = run(budget=0.1)
    made.measure([OURS, THEIRS], [TOY["picture"]])
    assert order(made) == [(OURS, 1)]
    assert [one["why"] for one in made.left_out] == ["no time left, 0 samples", "no time left, 1 samples"]


def test_those_of_one_precision_are_held_together_with_diffusers_as_it_comes() -> None:
    names = [OURS, "ours-fp32", "diffusers-fp32", THEIRS, "openvino-fp32"]
    assert dict(groups(names, "cpu")) == {
        "bf16": [OURS, "diffusers-fp32", THEIRS],
        "fp32": ["ours-fp32", "diffusers-fp32", "openvino-fp32"],
    }
    assert dict(groups(["diffusers-fp32", "ours-fp32"], "cpu")) == {"fp32": ["diffusers-fp32", "ours-fp32"]}
    assert dict(groups(["diffusers-fp32"], "cpu")) == {"both": ["diffusers-fp32"]}
    assert dict(groups([OURS, "diffusers-fp32"], "cpu")) == {"bf16": [OURS, "diffusers-fp32"]}
    assert dict(groups(names, "cuda")) == {"all": names}


def test_a_model_too_large_for_the_memory_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "unet.safetensors").open("wb") as file:
        file.truncate(1 << 42)  # 4 TB, of which the disk holds nothing
    with pytest.raises(WorkerError, match="too little memory"):
        check_memory(Place(tmp_path, tmp_path, "toy", "cpu"), OURS)
    check_memory(Place(tmp_path, tmp_path, "toy", "cuda"), OURS)
