"""garasu eval: how good a model is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.model import BUNDLED
from garasu.tasks.recipe import SamplerName
from garasu.training.evaluation.card import check_card, write_card
from garasu.training.evaluation.evaluate import evaluate, save
from garasu.training.evaluation.probe_training import BUNDLED as OUR_PROBE
from garasu.training.evaluation.probe_training import load_probe
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
    clip_skip: Annotated[int, Parameter(help="Which layer from the end reads the prompts; 1 is the last.")] = 1,
    seed: Annotated[int, Parameter(help="Another seed asks other questions.")] = 0,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="Folder for report.json and a sheet of pictures.")
    ] = None,
    probe: Annotated[
        Path, Parameter(help="The judge, a file of garasu train probe, else the one that comes along.")
    ] = OUR_PROBE,
    card: Annotated[
        bool, Parameter(help="Write the model card, README.md in the model's folder.", negative="")
    ] = False,
) -> int:
    """Measure a model on prompts whose combinations training never saw.

    A probe trained on real drawings judges the pictures. Also measured: the Fréchet distance to
    drawings over its floor, diversity over seeds, colour leaking, the VAE, how often the CLIP pair
    finds a picture's caption, and seconds a picture.
    """
    folder = Path(BUNDLED if model.model in (None, "bundled") else model.model)
    if card:
        check_card(folder)
    sd = model.load()
    judge = load_probe(probe, model.device)
    settings = EvalSettings(
        prompts=prompts,
        steps=steps,
        guidance_scales=guidance_scale,
        sampler=sampler,
        clip_skip=clip_skip,
        seed=seed,
    )
    report, page = evaluate(sd, judge, settings)
    print(table(report))
    if output is not None:
        save(report, page, output)
        print(f"\n{output}")
    if card:
        print(write_card(folder, report.to_json()))
    return 0
