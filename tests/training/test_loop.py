"""The loop: learns, follows its schedule, and goes on bit for bit after a kill at any moment."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from garasu.training.data import step_rng
from garasu.training.loop import Habits, LoopSettings, Part, TrainingError, fit
from garasu.training.machine import Machine

SETTINGS = LoopSettings(steps=60, batch=8, lr=0.02, warmup=5, flat=0.5, final_lr=0.1, ema=0.9, ema_every=2)
QUIET = Habits(save_seconds=0.0, log_steps=10, sheet_steps=1000)


class Line(Part):
    """Fits y = 3x − 1 from noisy points."""

    name = "line"

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.line = nn.Linear(1, 1)
        self.stepped: list[int] = []

    def batch(self, step: int, size: int, machine: Machine) -> dict[str, Tensor]:
        rng = step_rng(0, step, machine.rank)
        x = torch.randn(size, 1, generator=rng)
        return {"x": x, "y": 3 * x - 1 + 0.01 * torch.randn(size, 1, generator=rng)}

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"loss": (self.line(batch["x"]).float() - batch["y"]).square().mean()}

    def after_step(self, step: int) -> None:
        self.stepped.append(step)


def weights(part: nn.Module) -> list[Tensor]:
    return [one.detach().clone() for one in part.parameters()]


def test_it_learns_and_keeps_a_log(tmp_path: Path) -> None:
    part = Line()
    fit(part, tmp_path, replace(SETTINGS, steps=400, lr=0.05), Machine("cpu"), QUIET)
    assert abs(part.line.weight.item() - 3) < 0.1
    assert abs(part.line.bias.item() + 1) < 0.1
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == 400
    assert lines[-1]["loss"] < 0.05 < lines[0]["loss"]
    assert part.stepped == list(range(400))


def test_learning_rate_warms_up_holds_and_falls() -> None:
    rates = [SETTINGS.lr_at(step) for step in range(60)]
    assert rates[:5] == pytest.approx([0.004, 0.008, 0.012, 0.016, 0.02])
    assert rates[5:31] == pytest.approx([0.02] * 26)
    assert all(a > b for a, b in pairwise(rates[30:]))
    assert SETTINGS.lr_at(60) == pytest.approx(0.002)


def test_resumed_run_is_the_same_bit_for_bit(tmp_path: Path) -> None:
    whole = Line()
    fit(whole, tmp_path / "whole", SETTINGS, Machine("cpu"), QUIET)

    class Killed(Line):
        def after_step(self, step: int) -> None:
            if step == 23:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(Killed(), tmp_path / "cut", SETTINGS, Machine("cpu"), QUIET)
    resumed = Line()
    fit(resumed, tmp_path / "cut", SETTINGS, Machine("cpu"), QUIET)
    assert resumed.stepped[0] == 23, "it should go on where it was, not start again"
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(resumed), strict=True))


def test_averaged_weights_are_the_mean_the_formula_says(tmp_path: Path) -> None:
    seen: list[list[Tensor]] = []

    class Watched(Line):
        def after_step(self, step: int) -> None:
            seen.append(weights(self))

    part = Watched()
    first = weights(part)
    fit(part, tmp_path, replace(SETTINGS, steps=9), Machine("cpu"), QUIET)
    expected = first
    for update, step in enumerate(range(0, 9, 2)):
        decay = min(0.9, (1 + update) / (10 + update))
        expected = [decay * old + (1 - decay) * new for old, new in zip(expected, seen[step], strict=True)]
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(weights(part), expected, strict=True))


def test_other_settings_are_refused(tmp_path: Path) -> None:
    fit(Line(), tmp_path, replace(SETTINGS, steps=3), Machine("cpu"), QUIET)
    with pytest.raises(TrainingError, match="other settings"):
        fit(Line(), tmp_path, replace(SETTINGS, steps=3, lr=0.1), Machine("cpu"), QUIET)


def test_a_loss_that_explodes_stops_the_run(tmp_path: Path) -> None:
    class Exploding(Line):
        def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
            return {"loss": (self.line(batch["x"]) * float("inf")).mean()}

    with pytest.raises(TrainingError, match="not finite at step 0"):
        fit(Exploding(), tmp_path, SETTINGS, Machine("cpu"), QUIET)


def test_a_gradient_that_is_not_finite_is_named_and_never_saved(tmp_path: Path) -> None:
    """It is found at the next line of the log, and named by its own step; what is on disk is from before."""

    class Breaking(Line):
        def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
            broken = 1.0 if len(self.stepped) != 13 else float("nan")
            return {"loss": super().forward(batch)["loss"] * broken}

    with pytest.raises(TrainingError, match="not finite at step 13"):
        fit(Breaking(), tmp_path / "run", SETTINGS, Machine("cpu"), replace(QUIET, save_seconds=1e9))
    assert not (tmp_path / "run" / "state.pt").exists()
    with pytest.raises(TrainingError, match="not finite at step 13"):
        fit(Breaking(), tmp_path / "run", SETTINGS, Machine("cpu"), QUIET)
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    assert state["step"] == 13
    assert all(value.isfinite().all() for value in state["part"].values())


PROGRAM = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    import torch
    torch.set_num_threads(1)
    from garasu.training.base import train_base
    from garasu.training.loop import Habits
    train_base(Path(sys.argv[1]), part="clip", recipe="toy", device="cpu", steps=40, habits=Habits(0.0, 5, 1000))
    """
)


@pytest.mark.slow
def test_a_real_run_killed_at_any_moment_goes_on_bit_for_bit(tmp_path: Path) -> None:
    def start(folder: Path) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder)], stderr=subprocess.DEVNULL)

    assert start(tmp_path / "whole").wait() == 0
    kills = 0
    for moment in (0, 7, 19, 31):
        process = start(tmp_path / "cut")
        state = tmp_path / "cut" / "clip" / "state.pt"
        log = tmp_path / "cut" / "clip" / "log.jsonl"
        while process.poll() is None and not (state.exists() and (_last_step(log) >= moment)):
            time.sleep(0.01)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
    assert kills >= 2, "the run was over before it could be killed"
    assert start(tmp_path / "cut").wait() == 0
    whole = (tmp_path / "whole" / "clip" / "weights.safetensors").read_bytes()
    assert (tmp_path / "cut" / "clip" / "weights.safetensors").read_bytes() == whole


def _last_step(log: Path) -> int:
    lines = log.read_text().splitlines() if log.exists() else []
    return int(json.loads(lines[-1])["step"]) if lines else 0
