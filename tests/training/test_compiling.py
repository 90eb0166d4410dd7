"""Compiling: which shapes are worth it, and that it changes neither results nor names."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from garasu.training.base import BaseRun
from garasu.training.compiling import TIMES, Compiled
from garasu.training.loop import Habits, LoopSettings, _Run
from garasu.training.machine import Machine
from garasu.training.parts.vae import DecoderPart
from garasu.training.recipes import TOY


class Twice(nn.Module):
    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"loss": 2 * batch["x"].sum()}


def test_shapes_that_come_often_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []

    def recording(network: nn.Module, dynamic: bool) -> nn.Module:
        assert not dynamic
        return lambda batch: ran.append(len(batch["x"])) or network(batch)

    monkeypatch.setattr(torch, "compile", recording)
    compiled = Compiled(Twice())
    for step in range(200):
        size = 3 if step % 20 == 7 else 2  # one in twenty
        assert compiled({"x": torch.ones(size)})["loss"] == 2 * size
    assert set(ran) == {2}
    assert len(ran) == 190 - (TIMES - 1)


@pytest.mark.slow  # it builds C++
def test_a_compiled_part_learns_the_same_under_the_same_names(toy_run: Path, tmp_path: Path) -> None:
    settings = LoopSettings(steps=20, batch=4, lr=1e-3, warmup=2)
    states = []
    for compiled in (False, True):
        run = BaseRun(toy_run, TOY, Machine("cpu", compiled=compiled), None, Habits())
        latents = [
            np.zeros((len(one.captions), 4, one.size[1] // 8, one.size[0] // 8), np.float16)
            for one in run.pictures.buckets
        ]
        training = _Run(DecoderPart(run.finished()[0], run.pictures, latents), tmp_path, settings, run.machine)
        while training.step < 10:
            training.advance()
        if isinstance(training.wrapped, Compiled):
            assert [dict(shape)["images"] for shape in training.wrapped.shapes] == [(4, 3, 64, 64)]
        states.append(training.part.state_dict())
    written, fused = states
    assert written.keys() == fused.keys()
    start = run.finished()[0].state_dict()
    moved, off = (
        torch.cat([(fused[f"vae.{name}"] - other).flatten() for name, other in weights.items()]).norm()
        for weights in (start, {name.removeprefix("vae."): value for name, value in written.items()})
    )
    assert off < 0.2 * moved, "bfloat16 rounds elsewhere when operations are fused, and no more than that"
