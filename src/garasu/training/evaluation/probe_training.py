"""Training the probe, and keeping it: the one that comes along was trained with the settings here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from random import Random

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from garasu.hardware import choose_device
from garasu.images.saving import whole_file
from garasu.training.evaluation.probe import Probe, ProbeConfig, ProbePart, draw, label_values
from garasu.training.loop import Habits, LoopSettings, fit
from garasu.training.machine import Machine
from garasu.world.scene import Scene, held_out_scene, labels, random_scene

BUNDLED = Path(__file__).with_name("probe.safetensors")
SETTINGS = LoopSettings(steps=2400, batch=64, lr=4e-3, warmup=30, flat=0.3, final_lr=0.005)
ROWS = 32  # pictures judged at once


class ProbeError(ValueError):
    """A probe that cannot be used; the message says what to do."""


def train_probe(
    out: Path, machine: Machine, settings: LoopSettings = SETTINGS, config: ProbeConfig | None = None
) -> None:
    """Train a probe and keep it in ``out``; the run's own files lie in a folder beside, so it can be resumed."""
    torch.manual_seed(settings.seed)
    part = ProbePart(Probe(config or ProbeConfig()), settings.seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    fit(part, out.with_suffix(""), settings, machine, Habits(sheet_steps=settings.steps + 1))
    save_probe(part.probe, out)


def save_probe(probe: Probe, path: Path) -> None:
    """Write the weights, in float16, with everything that is needed to build the network again."""
    floats = {name: value.half() if value.is_floating_point() else value for name, value in probe.state_dict().items()}
    weights = {name: value.contiguous().cpu() for name, value in floats.items()}
    metadata = {"config": json.dumps(asdict(probe.config)), "values": json.dumps(probe.values)}
    with whole_file(path) as beside:
        save_file(weights, beside, metadata)


def load_probe(path: Path = BUNDLED, device: str = "cpu") -> Probe:
    """Read a probe, ready to judge.

    Raises:
        ProbeError: it is none, or one for another world.
    """
    if not path.is_file():
        raise ProbeError(f"There is no probe in {path}; leave --probe out for the one that comes along.")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no mapping)
    except SafetensorError as problem:
        raise ProbeError(
            f"{path} is no probe ({problem}); leave --probe out for the one that comes along."
        ) from problem
    if not {"config", "values"} <= metadata.keys():
        raise ProbeError(f"{path} is no probe; leave --probe out for the one that comes along.")
    values = json.loads(metadata["values"])
    if values != label_values():
        raise ProbeError(
            f"{path} was trained on a world with other attributes; leave --probe out for the one that comes along."
        )
    config = json.loads(metadata["config"])
    probe = Probe(ProbeConfig(**config | {"channels": tuple(config["channels"])}), values)
    probe.load_state_dict(weights)
    return probe.to(choose_device(device)).eval()


def judged(probe: Probe, count: int, seed: int) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """What is in ``count`` real drawings that no training draws, and what the probe says: half held-out, half not."""
    rng = Random(f"probe test/{seed}")
    device = next(probe.parameters()).device
    for first in range(0, count, ROWS):
        indices = range(first, min(first + ROWS, count))
        scenes: list[Scene] = [held_out_scene(rng) if i % 2 else random_scene(rng) for i in indices]
        images = draw(scenes, [rng.getrandbits(32) for _ in scenes], probe.config.size)
        yield from zip(map(labels, scenes), probe.read(images.to(device)), strict=True)
