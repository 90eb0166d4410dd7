"""garasu eval: how good a model is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from garasu.app.memory import keep_freed_memory
from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.model import BUNDLED
from garasu.tasks.recipe import SamplerName
from garasu.training.evaluation.card import write_card
from garasu.training.evaluation.evaluate import evaluate, save
from garasu.training.evaluation.probe_training import get_probe
from garasu.training.evaluation.report import EvalSettings
from garasu.training.evaluation.table import table


def measure(
    *,
    model: ModelFlags = NONE_GIVEN,
    prompts: Annotated[
        int, Parameter(help="How many held-out prompts, 4 or more; half as many seen ones are added.")
    ] = 500,
    steps: Annotated[int, Parameter(help="Steps from noise to picture.")] = 25,
    guidance_scale: Annotated[
        tuple[float, ...],
        Parameter(
            help="How strictly prompts are followed; several to compare, the first for what is measured once.",
            negative="",
        ),
    ] = (7.5,),
    sampler: Annotated[SamplerName, Parameter(help="How to walk from noise to picture.")] = "ddim",
    seed: Annotated[int, Parameter(help="Another seed asks other questions.")] = 0,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="Folder for report.json and a sheet of pictures.")
    ] = None,
    probe: Annotated[Path | None, Parameter(help="The judge, else one that is trained once and kept.")] = None,
    card: Annotated[
        tuple[Path, ...],
        Parameter(
            help="Run folder that trained the model, several in turn: write its model card, README.md.", negative=""
        ),
    ] = (),
) -> int:
    """Measure a model on prompts whose combinations training never saw.

    A probe trained on real drawings judges the pictures. Also measured: the Fréchet distance to
    drawings over its floor, diversity over seeds, colour leaking, the VAE, how often the CLIP pair
    finds a picture's caption, and seconds a picture.
    """
    keep_freed_memory()
    sd = model.load()
    judge = get_probe(probe, model.device)
    settings = EvalSettings(
        prompts=prompts, steps=steps, guidance_scales=guidance_scale, sampler=sampler, seed=seed
    )  # fmt: skip
    report, page = evaluate(sd, judge, settings)
    print(table(report))
    if output is not None:
        save(report, page, output)
        print(f"\n{output}")
    if card:
        print(write_card(Path(model.model or BUNDLED), report.to_json(), card))
    return 0
