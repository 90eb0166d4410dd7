"""The evaluation: prompts with combinations that training never saw, judged by the probe, and the parts alone."""

from __future__ import annotations

import platform
import time
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import torch
from PIL import Image
from tqdm import tqdm

from garasu.images.saving import whole_file
from garasu.images.sheet import sheet
from garasu.model import StableDiffusion
from garasu.training.evaluation.measures import (
    Score,
    Scores,
    Settings,
    judge,
    pictures_of,
    psnr,
    retrieval,
    seconds_per_picture,
    tally,
)
from garasu.training.evaluation.probe import Probe
from garasu.training.evaluation.probe_training import judged
from garasu.training.evaluation.questions import Question, ask
from garasu.training.evaluation.report import EvalSettings, Measured, Obedience, Report

ON_SHEET = 64


class EvaluationError(ValueError):
    """An evaluation that cannot be done; the message says what to change."""


def evaluate(
    sd: StableDiffusion, probe: Probe, settings: EvalSettings
) -> tuple[Report, Image.Image]:  # fmt: skip
    """Measure a model.

    Returns:
        What was found, and a labelled sheet of the first held-out prompts at the first guidance scale.

    Raises:
        EvaluationError: fewer than two prompts, or no guidance scale.
    """
    if settings.prompts < 2 or not settings.guidance_scales:
        raise EvaluationError("An evaluation needs two prompts or more and a guidance scale.")
    began = time.perf_counter()
    held_out = ask(settings.prompts, held_out=True, seed=settings.seed)
    seen = ask(settings.prompts // 2, held_out=False, seed=settings.seed)
    obedience: list[Obedience] = []
    shown: list[Image.Image] = []
    with tqdm(total=len(settings.guidance_scales) * len(held_out + seen), unit="picture", desc="eval") as bar:
        for scale in settings.guidance_scales:
            kept, found = _obedience(sd, probe, (held_out, seen), (scale, settings), bar)
            shown = shown or kept
            obedience.append(found)
    report = Report(
        model=_measured(sd),
        settings=settings,
        probe=probe_scores(probe, settings.probe_pictures, settings.seed),
        obedience=tuple(obedience),
        vae=psnr(sd, settings.renders, settings.seed),
        retrieval=retrieval(sd, settings.retrieval_batches, settings.seed),
        seconds_per_picture=seconds_per_picture(sd, _knobs(settings, settings.guidance_scales[0])),
        seconds=time.perf_counter() - began,
    )
    return report, sheet(shown, [one.prompt for one in held_out[:ON_SHEET]])


def save(report: Report, page: Image.Image, folder: Path) -> None:
    """Write report.json and pictures.png into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / "report.json") as beside:
        beside.write_text(report.to_json(), encoding="utf-8")
    with whole_file(folder / "pictures.png") as beside:
        page.save(beside, format="PNG")


def probe_scores(probe: Probe, count: int, seed: int = 0) -> Scores:
    """The probe's own accuracy on real drawings, where the attribute applies."""
    scores: dict[str, Score] = {}
    for truth, seen in judged(probe, count, seed):
        tally(scores, {name: value for name, value in truth.items() if value != "none"}, seen)
    return scores


def _obedience(
    sd: StableDiffusion,
    probe: Probe,
    questions: tuple[list[Question], list[Question]],
    how: tuple[float, EvalSettings],
    bar: tqdm[None],
) -> tuple[list[Image.Image], Obedience]:
    """The first held-out pictures, and the verdict on all."""
    scale, settings = how
    kept, verdicts = [], []
    for some in questions:
        pictures = []
        for picture in pictures_of(sd, some, _knobs(settings, scale)):
            pictures.append(picture)
            bar.update()
        kept.append(list(islice(pictures, ON_SHEET)))
        verdicts.append(judge(probe, some, pictures))
    return kept[0], Obedience(scale, *verdicts)


def _knobs(settings: EvalSettings, scale: float) -> Settings:
    return {"steps": settings.steps, "sampler": settings.sampler, "guidance_scale": scale}


def _measured(sd: StableDiffusion) -> Measured:
    parts = {
        "unet": sd.unet, "vae": sd.vae, "text_encoder": sd.text_encoder, "image_encoder": sd.image_encoder
    }  # fmt: skip
    return Measured(
        name=sd.name,
        hash=sd.checkpoint.hash or "",
        parameters={
            name: sum(one.numel() for one in part.parameters()) for name, part in parts.items() if part is not None
        },
        size=sd.native_size,
        hardware=hardware(sd.device),
        device=sd.device.type,
        dtype=str(sd.dtype).removeprefix("torch."),
        threads=torch.get_num_threads(),
        garasu=version("garasu"),
        torch=torch.__version__,
    )


def hardware(device: torch.device) -> str:
    """The processor's name, as far as the system tells."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} × {names[0]}" if names else platform.processor() or platform.machine()
