"""The evaluation: prompts with combinations that training never saw, judged by the probe, and the parts alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import torch
from PIL import Image
from tqdm import tqdm

from garasu.hardware import processor
from garasu.images.saving import whole_file
from garasu.images.sheet import sheet
from garasu.model import StableDiffusion
from garasu.training.evaluation.diversity import PROMPTS, Diversity, measure_diversity
from garasu.training.evaluation.features import eye_of
from garasu.training.evaluation.frechet import Frechet, distance_to_drawings
from garasu.training.evaluation.leaking import PAIRS, Leaking, measure_leaking
from garasu.training.evaluation.measures import (
    Score,
    Scores,
    Settings,
    judge,
    pictures_of,
    retrieval,
    seconds_per_picture,
    tally,
)
from garasu.training.evaluation.probe import Probe
from garasu.training.evaluation.probe_training import judged
from garasu.training.evaluation.promise import Obedience
from garasu.training.evaluation.questions import Question, ask
from garasu.training.evaluation.reconstruction import psnr, second_psnr
from garasu.training.evaluation.report import EvalSettings, Measured, Report

ON_SHEET = 64

Pictures = list[Image.Image]


class EvaluationError(ValueError):
    """An evaluation that cannot be done; the message says what to change."""


def evaluate(
    sd: StableDiffusion, probe: Probe, settings: EvalSettings
) -> tuple[Report, Image.Image]:  # fmt: skip
    """Measure a model.

    Returns:
        What was found, and a labelled sheet of the first held-out prompts at the first guidance scale.

    Raises:
        EvaluationError: fewer than four prompts, or no guidance scale.
    """
    if settings.prompts < 4 or not settings.guidance_scales:
        raise EvaluationError("An evaluation needs four prompts or more and a guidance scale.")
    began = time.perf_counter()
    with tqdm(total=picture_count(settings), unit="picture", desc="eval") as bar:
        run = _Run(sd, probe, settings, bar)
        others = [run.obedience(scale, run.answers(scale)) for scale in settings.guidance_scales[1:]]
        answers = run.answers(run.scale)
        found, frechet = run.obedience(run.scale, answers), run.frechet(*answers)
        page = sheet(answers[0][:ON_SHEET], [one.prompt for one in run.held_out[:ON_SHEET]])
        diversity, leaking = run.diversity(), run.leaking()
    report = Report(
        model=_measured(sd),
        settings=settings,
        probe=probe_scores(probe, settings.probe_pictures, settings.seed),
        obedience=(found, *others),
        frechet=frechet,
        diversity=diversity,
        leaking=leaking,
        vae=psnr(sd, settings.renders, settings.seed),
        second_vae=second_psnr(sd, settings.renders, settings.seed),
        retrieval=retrieval(sd, settings.retrieval_batches, settings.seed),
        seconds_per_picture=seconds_per_picture(sd, run.knobs(run.scale)),
        pictures=picture_count(settings),
        seconds=time.perf_counter() - began,
    )
    return report, page


def picture_count(settings: EvalSettings) -> int:
    """How many pictures an evaluation asks the model for, those to take the time apart."""
    prompts = len(settings.guidance_scales) * (settings.prompts + settings.seen_prompts)
    return prompts + PROMPTS * settings.diversity_seeds + len(PAIRS) * settings.leak_prompts


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


class _Run:
    """One evaluation on its way: the model, its questions, and the bar that counts its pictures."""

    def __init__(self, sd: StableDiffusion, probe: Probe, settings: EvalSettings, bar: tqdm[None]) -> None:
        self.sd, self.probe, self.settings, self.bar = sd, probe, settings, bar
        self.held_out = ask(settings.prompts, held_out=True, seed=settings.seed)
        self.seen = ask(settings.seen_prompts, held_out=False, seed=settings.seed)
        self.eye = eye_of(sd)
        self.scale = settings.guidance_scales[0]

    def knobs(self, scale: float) -> Settings:
        asked = self.settings
        return {
            "steps": asked.steps,
            "sampler": asked.sampler,
            "clip_skip": asked.clip_skip,
            "guidance_scale": scale,
        }

    def paint(self, questions: Sequence[Question], scale: float) -> Pictures:
        pictures = []
        for picture in pictures_of(self.sd, questions, self.knobs(scale)):
            pictures.append(picture)
            self.bar.update()
        return pictures

    def answers(self, scale: float) -> tuple[Pictures, Pictures]:
        """Pictures of held-out combinations, and of seen ones."""
        return self.paint(self.held_out, scale), self.paint(self.seen, scale)

    def obedience(self, scale: float, answers: tuple[Pictures, Pictures]) -> Obedience:
        held_out, seen = answers
        return Obedience(scale, judge(self.probe, self.held_out, held_out), judge(self.probe, self.seen, seen))

    def frechet(self, held_out: Pictures, seen: Pictures) -> Frechet:
        """As many of each kind, since the distance and its floor depend on that."""
        eye, seed, count = self.eye, self.settings.seed, len(seen)
        known = distance_to_drawings(eye, self.seen, eye.pictures(seen), held_out=False, seed=seed)
        some = eye.pictures(held_out[:count])
        unseen = distance_to_drawings(eye, self.held_out[:count], some, held_out=True, seed=seed)
        return Frechet(eye.whose, self.scale, known, unseen)

    def diversity(self) -> Diversity:
        settings = self.settings
        return measure_diversity(self._at_scale, self.eye, self.scale, settings.diversity_seeds, settings.seed)

    def leaking(self) -> Leaking:
        settings = self.settings
        return measure_leaking(self._at_scale, self.probe, self.scale, settings.leak_prompts, settings.seed)

    def _at_scale(self, questions: Sequence[Question]) -> Pictures:
        return self.paint(questions, self.scale)


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
        hardware=processor(sd.device),
        device=sd.device.type,
        dtype=str(sd.dtype).removeprefix("torch."),
        threads=torch.get_num_threads(),
        garasu=version("garasu"),
        torch=torch.__version__,
    )
