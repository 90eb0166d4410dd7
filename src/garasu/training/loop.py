"""The one training loop: AdamW with warm-up and decay, clipping, an average of the weights, and a state on disk.

A run can be killed at any moment and goes on bit for bit: the state is written beside and renamed, and every random
number of a step comes from a generator seeded by (seed, step), so weights, average, optimiser and step are all of it.
Between two lines of the log nothing waits for the device.
"""

from __future__ import annotations

import json
import math
import time
from abc import ABC, abstractmethod
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from tqdm import tqdm

from garasu.training.machine import Machine


class TrainingError(ValueError):
    """A run that cannot start or go on; the message says what to change."""


@dataclass(frozen=True)
class LoopSettings:
    """How one part is trained.

    ``lr`` rises linearly over ``warmup`` steps, stays until the fraction ``flat`` of all steps, then falls by a
    cosine to ``final_lr`` times itself. ``ema`` is the decay of the weights' average per update (None: no average),
    updated every ``ema_every`` steps. ``clip`` bounds the norm of the gradient.
    """

    steps: int
    batch: int
    lr: float
    warmup: int = 150
    flat: float = 0.4
    final_lr: float = 0.02
    weight_decay: float = 0.01
    beta2: float = 0.98
    clip: float = 1.0
    ema: float | None = None
    ema_every: int = 4
    seed: int = 0

    def lr_at(self, step: int) -> float:
        """Learning rate of step ``step`` (from 0)."""
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        flat = max(self.warmup, round(self.flat * self.steps))
        done = min(max(step - flat, 0) / max(self.steps - flat, 1), 1.0)
        return self.lr * (self.final_lr + (1 - self.final_lr) * 0.5 * (1 + math.cos(math.pi * done)))


class Part(nn.Module, ABC):
    """What is trained: ``forward`` turns a batch into losses, the first of which is minimised."""

    name: str

    @abstractmethod
    def batch(self, step: int, size: int, machine: Machine) -> dict[str, Tensor]:
        """The batch of one step; it depends on the step (and the rank) alone."""

    @abstractmethod
    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Losses by name, each a scalar; ``loss`` is the one to minimise."""

    def after_step(self, step: int) -> None:
        """Change the weights after an optimiser step, if the part must."""

    def sheet(self) -> Image.Image | None:
        """A picture of what the part can do now."""
        return None


@dataclass(frozen=True)
class Habits:
    """How often a run writes; none of it changes the result."""

    save_seconds: float = 120.0
    log_steps: int = 20
    sheet_steps: int = 1000


def fit(part: Part, folder: Path, settings: LoopSettings, machine: Machine, habits: Habits) -> None:
    """Train ``part`` to the end, from wherever the state in ``folder`` left off; leaves the averaged weights in it.

    Raises:
        TrainingError: the folder holds a run with other settings, or a gradient was not finite; nothing is saved then.
    """
    machine.place(part)
    run = _Run(part, folder, settings, machine)
    run.resume()
    log = _Log(folder, part.name, settings, machine, start=run.step)
    saved = time.monotonic()
    while run.step < settings.steps:
        losses = run.advance()
        log.step(run.step, losses)
        last = run.step == settings.steps
        if last or run.step % habits.log_steps == 0:
            run.check()
            log.write(run.step, settings.lr_at(run.step - 1))
        if last or run.step % habits.sheet_steps == 0:
            log.sheet(run.step, run.averaged_sheet)
        if last or time.monotonic() - saved > habits.save_seconds:
            run.save()
            saved = time.monotonic()
    log.close()
    run.load_average()


class _Run:
    """A part with its optimiser and the average of its weights; knows how to advance, save and resume."""

    def __init__(self, part: Part, folder: Path, settings: LoopSettings, machine: Machine) -> None:
        self.part, self.folder, self.settings, self.machine = part, folder, settings, machine
        self.wrapped = machine.wrap(part)
        self.weights: list[Tensor] = [one for one in part.parameters() if one.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.weights, lr=settings.lr, betas=(0.9, settings.beta2), weight_decay=settings.weight_decay, fused=True
        )
        self.average = [one.detach().clone() for one in self.weights] if settings.ema else None
        self.step = 0
        self._failed = torch.full((), -1, device=machine.device)  # the first step whose gradient was not finite

    @property
    def path(self) -> Path:
        """The state file."""
        return self.folder / "state.pt"

    def advance(self) -> dict[str, Tensor]:
        """One optimiser step."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.lr_at(self.step)
        batch = self.part.batch(self.step, self.settings.batch, self.machine)
        with self.machine.autocast():
            losses: dict[str, Tensor] = self.wrapped(batch)
        self.machine.backward(losses["loss"])
        norm = nn.utils.clip_grad_norm_(self.weights, self.settings.clip)
        self._failed.masked_fill_(~torch.isfinite(norm) & (self._failed < 0), self.step)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            self.part.after_step(self.step)
            self._update_average()
        self.step += 1
        return losses

    def check(self) -> None:
        """Stop where a gradient was not finite. It waits for the device, so not at every step."""
        failed = int(self._failed)
        if failed >= 0:
            raise TrainingError(f"The gradient of {self.part.name} is not finite at step {failed}; lower its lr.")

    def _update_average(self) -> None:
        """Exponential moving average whose decay grows from 0.1 while the weights still move fast."""
        if self.average is None or self.settings.ema is None or self.step % self.settings.ema_every:
            return
        updates = self.step // self.settings.ema_every
        decay = min(self.settings.ema, (1 + updates) / (10 + updates))
        torch._foreach_lerp_(self.average, [one.detach() for one in self.weights], 1 - decay)

    def save(self) -> None:
        """Write the state beside, then rename: a kill in between leaves the older state whole."""
        self.check()
        if not self.machine.first:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "settings": json.dumps(asdict(self.settings)),
            "step": self.step,
            "part": self.part.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
        }
        beside = self.path.with_suffix(".part")
        torch.save(state, beside)
        beside.replace(self.path)

    def resume(self) -> None:
        """Go on from the state on disk, if there is one."""
        if not self.path.exists():
            return
        state = torch.load(self.path, map_location=self.machine.device, weights_only=True)
        if state["settings"] != json.dumps(asdict(self.settings)):
            raise TrainingError(f"{self.folder} holds a run with other settings; train into another folder.")
        self.part.load_state_dict(state["part"])
        self.average = state["average"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]

    def load_average(self) -> None:
        """Put the averaged weights into the part."""
        if self.average is not None:
            with torch.no_grad():
                torch._foreach_copy_(self.weights, self.average)

    def averaged_sheet(self) -> Image.Image | None:
        """The part's sheet, made with the averaged weights."""
        kept = deepcopy([one.detach() for one in self.weights])
        self.load_average()
        picture = self.part.sheet()
        with torch.no_grad():
            torch._foreach_copy_(self.weights, kept)
        return picture


class _Log:
    """Progress bar, log.jsonl, TensorBoard (where installed) and sheets; the first process only."""

    def __init__(self, folder: Path, name: str, settings: LoopSettings, machine: Machine, start: int) -> None:
        self.folder, self.settings, self.machine = folder, settings, machine
        self.sums: dict[str, Tensor] = {}
        self.count = 0
        self.bar: Any = tqdm(total=settings.steps, initial=start, desc=name, disable=not machine.first, mininterval=2)
        self.board = _tensorboard(folder) if machine.first else None
        self.began = (time.monotonic(), start)

    def step(self, step: int, losses: dict[str, Tensor]) -> None:
        """Take in one step's losses."""
        self.bar.update(step - self.bar.n)
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0) + value.detach().float()
        self.count += 1

    def write(self, step: int, lr: float) -> None:
        """Write the mean losses since the last time."""
        means = {name: float(total) / max(self.count, 1) for name, total in self.sums.items()}
        self.sums, self.count = {}, 0
        seconds, start = time.monotonic() - self.began[0], self.began[1]
        rate = (step - start) * self.settings.batch * self.machine.world / seconds
        self.bar.set_postfix_str(", ".join(f"{k} {v:.4f}" for k, v in means.items()) + f", {rate:.0f} pictures/s")
        if not self.machine.first:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        line = {"step": step, "lr": lr, "pictures_per_second": round(rate, 1), **means}
        with (self.folder / "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        if self.board is not None:
            for name, value in line.items():
                self.board.add_scalar(name, value, step)

    def sheet(self, step: int, make: Any) -> None:
        """Keep a sample sheet."""
        picture = make() if self.machine.first else None
        if picture is not None:
            (self.folder / "sheets").mkdir(parents=True, exist_ok=True)
            picture.save(self.folder / "sheets" / f"{step:06d}.png")

    def close(self) -> None:
        """End the bar and the board."""
        self.bar.close()
        if self.board is not None:
            self.board.close()


def _tensorboard(folder: Path) -> Any:
    """A TensorBoard writer, or None where tensorboard is not installed (log.jsonl holds the same numbers)."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"))
