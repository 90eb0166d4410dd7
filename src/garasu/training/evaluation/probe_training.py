"""Training the probe, once a machine: it is kept in the user's cache, under a name that its making decides."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from random import Random

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from garasu.images.saving import whole_file
from garasu.training.evaluation.probe import Probe, ProbeConfig, ProbePart, draw, label_values
from garasu.training.loop import Habits, LoopSettings, fit
from garasu.training.machine import Machine
from garasu.world import scene as world
from garasu.world.scene import Scene, held_out_scene, labels, random_scene

SETTINGS = LoopSettings(steps=2400, batch=64, lr=4e-3, warmup=30, flat=0.3, final_lr=0.005)
ROWS = 32  # pictures judged at once


class ProbeError(ValueError):
    """A probe that cannot be used; the message says what to do."""


def get_probe(path: Path | None = None, device: str = "auto", settings: LoopSettings = SETTINGS) -> Probe:
    """The probe in ``path``, or the cached one, trained first if need be (about 25 minutes on a CPU).

    Raises:
        ProbeError: ``path`` is no probe, or one that knows other attributes than this world has.
    """
    machine = Machine(device)
    kept = cache_folder() / f"probe-{version(settings)}.safetensors" if path is None else path
    if path is None and not kept.exists():
        train_probe(kept, machine, settings)
    return load_probe(kept).to(machine.device)


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
    """Write the weights with everything that is needed to build the network again."""
    weights = {name: value.contiguous().cpu() for name, value in probe.state_dict().items()}
    metadata = {"config": json.dumps(asdict(probe.config)), "values": json.dumps(probe.values)}
    with whole_file(path) as beside:
        save_file(weights, beside, metadata)


def load_probe(path: Path) -> Probe:
    """Read a probe, ready to judge.

    Raises:
        ProbeError: it is none, or one for another world.
    """
    if not path.is_file():
        raise ProbeError(f"There is no probe in {path}; leave --probe out and one is trained.")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no mapping)
    except SafetensorError as problem:
        raise ProbeError(f"{path} is no probe ({problem}); leave --probe out and one is trained.") from problem
    if not {"config", "values"} <= metadata.keys():
        raise ProbeError(f"{path} is no probe; leave --probe out and one is trained.")
    values = json.loads(metadata["values"])
    if values != label_values():
        raise ProbeError(f"{path} was trained on a world with other attributes; leave --probe out and one is trained.")
    config = json.loads(metadata["config"])
    probe = Probe(ProbeConfig(**config | {"channels": tuple(config["channels"])}), values)
    probe.load_state_dict(weights)
    return probe.eval()


def version(settings: LoopSettings) -> str:
    """Ten digits that change with the probe's numbers, the way it is trained and the code that draws the world."""
    digest = hashlib.sha256(json.dumps([asdict(ProbeConfig()), asdict(settings)]).encode())
    sources = [Path(__file__).with_name("probe.py"), *sorted(Path(world.__file__).parent.glob("*.py"))]
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:10]


def cache_folder() -> Path:
    """Where probes are kept: ``garasu`` in the user's cache directory."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "garasu"


def judged(probe: Probe, count: int, seed: int) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """What is in ``count`` real drawings that no training draws, and what the probe says: half held-out, half not."""
    rng = Random(f"probe test/{seed}")
    device = next(probe.parameters()).device
    for first in range(0, count, ROWS):
        indices = range(first, min(first + ROWS, count))
        scenes: list[Scene] = [held_out_scene(rng) if i % 2 else random_scene(rng) for i in indices]
        images = draw(scenes, [rng.getrandbits(32) for _ in scenes], probe.config.size)
        yield from zip(map(labels, scenes), probe.read(images.to(device)), strict=True)
