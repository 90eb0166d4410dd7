"""garasu train: training from the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from garasu import engine
from garasu.training.base import PartName, train_base
from garasu.training.evaluation.probe_training import SETTINGS, train_probe
from garasu.training.machine import Machine
from garasu.training.recipes import RECIPES


def base(
    *,
    output: Annotated[
        Path, Parameter(name=["--output", "--out", "-o"], help="Run folder; name it again after a kill to go on.")
    ],
    part: Annotated[
        PartName, Parameter(help="The decoder (further), the U-Net and faces (a second VAE) need clip and vae first.")
    ] = "all",
    recipe: Annotated[str, Parameter(help=f"Sizes and schedule: {', '.join(RECIPES)}.")] = "cpu",
    start: Annotated[
        str | None, Parameter(name="--from", help="A model to go on from (or: bundled), else from scratch.")
    ] = None,
    vae: Annotated[str | None, Parameter(help="With --from: a VAE in place of that model's own.")] = None,
    data: Annotated[Path | None, Parameter(help="A folder with metadata.jsonl, else the drawn world.")] = None,
    device: Annotated[str, Parameter(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    steps: Annotated[int | None, Parameter(help="Steps of each part named, in place of the recipe's.")] = None,
    compiled: Annotated[
        bool, Parameter(name="--compile", negative="", help="Compile the networks first; for long runs on a GPU.")
    ] = False,
) -> int:
    """Train a small Stable Diffusion, part by part, from scratch or on from a model.

    Everything lands in the run folder: logs (also for TensorBoard), sample sheets, the state to go on
    from, and at the end model/, a checkpoint folder like any other. For several GPUs, start this with
    accelerate launch.
    """
    engine.own_process()
    train_base(
        output,
        part=part,
        recipe=recipe,
        start=start,
        vae=vae,
        data=data,
        device=device,
        steps=steps,
        compiled=compiled,
    )
    made = {"all": output, "unet": output}.get(part, output / part)
    print(made if part == "clip" else made / "model")
    return 0


def probe(
    *,
    output: Annotated[
        Path, Parameter(name=["--output", "-o"], help="The .safetensors to write; name it again after a kill.")
    ],
    device: Annotated[str, Parameter(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    steps: Annotated[int, Parameter(help="Steps of training.")] = SETTINGS.steps,
) -> int:
    """Train the judge of garasu eval on real drawings.

    Its state, log and sheets lie in a folder beside the file, without its extension.
    """
    if output.suffix != ".safetensors":
        raise ValueError(f"{output}: a probe is written as safetensors: name it {output.stem}.safetensors")
    engine.own_process()
    train_probe(output, Machine(device), replace(SETTINGS, steps=steps))
    print(output)
    return 0
