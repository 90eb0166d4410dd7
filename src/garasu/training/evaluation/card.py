"""The model card: written from the model's files, its training run and its evaluation, never by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch

from garasu.hardware import choose_device
from garasu.images.saving import whole_file
from garasu.training.data import open_pictures
from garasu.training.evaluation.evaluate import EvaluationError, hardware
from garasu.training.evaluation.promise import ordered, spoken
from garasu.training.evaluation.quality import Json, at_recommended, quality, table
from garasu.world.scene import ATTRIBUTES, BACKGROUNDS, HELD_OUT, STYLES, SUBJECTS

PARTS = {
    "clip": "CLIP pair",
    "vae": "VAE",
    "decoder": "the VAE's decoder, further",
    "unet": "U-Net",
    "faces": "a second VAE's decoder, for faces",
}
WEAK = 0.7  # below this share of held-out prompts an attribute is named among the limits


@dataclass(frozen=True)
class Trained:
    """How one part was trained."""

    settings: Json
    seconds: float

    @property
    def row(self) -> tuple[str, ...]:
        """Cells of the table: steps, batch, rate, time."""
        s = self.settings
        average = "" if s["ema"] is None else f", averaged with decay {s['ema']:g}"
        rate = f"AdamW, {s['lr']:g} after {s['warmup']} steps of warm-up, cosine from {s['flat']:.0%} on{average}"
        return f"{s['steps']}", f"{s['batch']}", rate, f"{self.seconds / 60:.0f} min"


def write_card(model: Path, report: str, runs: Sequence[Path], trained_on: str | None = None) -> Path:
    """Write ``README.md`` into a model's folder.

    Args:
        model: the checkpoint folder.
        report: an evaluation's report.json, its text.
        runs: the run folders that trained the model: the one from scratch, then those that went on from its model.
        trained_on: the hardware of the training; by default this machine's.

    Returns:
        The file.

    Raises:
        EvaluationError: the model is no folder, or a run has trained nothing.
    """
    if not (model / "model_index.json").is_file():
        raise EvaluationError(f"{model} is no checkpoint folder, so it cannot carry a model card.")
    text = "\n".join(_card(model, json.loads(report), runs, trained_on or hardware(choose_device("auto")))) + "\n"
    with whole_file(model / "README.md") as beside:
        beside.write_text(text, encoding="utf-8")
    return model / "README.md"


def _card(model: Path, report: Json, runs: Sequence[Path], trained_on: str) -> Iterator[str]:
    measured = report["model"]
    width, height = measured["size"]
    yield from ("---", "license: apache-2.0", "library_name: diffusers", "pipeline_tag: text-to-image", "---", "")
    yield "# A small Stable Diffusion of a drawn world"
    yield ""
    yield f"A latent diffusion model with the anatomy of Stable Diffusion 1.x, in small: {width}×{height} px. It was"
    yield "trained from scratch by `garasu train base` on pictures that garasu draws itself, so nobody has rights on"
    yield "what it learned from. This card was written by `garasu eval --card`; all numbers are measured."
    yield from ("", "## Parts", "")
    yield from table(("part", "parameters", "size"), _part_rows(model, measured["parameters"]))
    yield from ("", "## Training", "")
    yield from _training(runs, trained_on)
    yield from ("", "## Measured quality", "", *quality(report))
    yield from ("", "## Limits", "", *_limits(report))
    yield from ("", "## Use", "", "```python", "import garasu", "", "sd = garasu.load()  # or a path to this folder")
    scale = f"guidance_scale={report['recommended_guidance_scale']:g}"
    yield from (f'garasu.txt2img(sd, "a black cat with yellow eyes", seed=7, {scale}).save("cat.png")', "```", "")
    yield "The folder is in diffusers' layout: `StableDiffusionPipeline.from_pretrained` loads it too."


def _training(runs: Sequence[Path], trained_on: str) -> Iterator[str]:
    """For each run its data and its parts; then the time of all."""
    seconds = 0.0
    for number, run in enumerate(runs, 1):
        trained = {name: _trained(run, name) for name in PARTS if (run / name / "weights.safetensors").is_file()}
        if not trained:
            raise EvaluationError(f"{run} has finished no part; name the run folders of this model.")
        yield "From scratch:" if number == 1 else f"Run {number}, from the model of the run before:"
        yield from ("", *_data(run), "")
        rows = [(PARTS[name], *one.row) for name, one in trained.items()]
        yield from table(("part", "steps", "batch", "learning rate", "time"), rows)
        yield ""
        seconds += sum(one.seconds for one in trained.values())
    yield from _world(runs[-1])
    yield f"Hardware: {trained_on}. {seconds / 60:.0f} minutes if the parts are trained one after the other."


def _trained(run: Path, name: str) -> Trained:
    state, log = run / name / "state.pt", run / name / "log.jsonl"
    settings = json.loads(torch.load(state, map_location="cpu", mmap=True, weights_only=True)["settings"])
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return Trained(settings, _seconds(lines, settings["batch"]))


def _seconds(lines: list[Json], batch: int) -> float:
    """Time spent, line by line at each line's own rate: a run that was resumed may have gone on faster or slower."""
    steps = [0, *(line["step"] for line in lines)]
    rates = [line["pictures_per_second"] for line in lines]
    return sum(max(b - a, 0) * batch / rate for (a, b), rate in zip(pairwise(steps), rates, strict=True) if rate)


def _part_rows(model: Path, parameters: Mapping[str, int]) -> list[tuple[str, ...]]:
    rows = []
    for name, count in parameters.items():
        size = sum(path.stat().st_size for path in (model / name).glob("*.safetensors"))
        rows.append((name, f"{count / 1e6:.2f} M", f"{size / 1e6:.1f} MB"))
    total = sum(path.stat().st_size for path in model.rglob("*") if path.is_file() and path.name != "README.md")
    return [*rows, ("all", f"{sum(parameters.values()) / 1e6:.2f} M", f"{total / 1e6:.1f} MB with all files")]


def _data(run: Path) -> Iterator[str]:
    buckets = open_pictures(run / "pictures").buckets
    sizes = ", ".join(f"{len(one.captions)} of {one.size[0]}×{one.size[1]} px" for one in buckets)
    count, captions = sum(len(one.captions) for one in buckets), len(buckets[0].captions[0])
    yield f"{count} pictures ({sizes}), {captions} caption{'s' if captions > 1 else ''} each."


def _world(run: Path) -> Iterator[str]:
    if not set(ATTRIBUTES) <= open_pictures(run / "pictures").buckets[0].labels[0].keys():
        return
    yield "All are drawings of garasu's own world, with these"
    yield ""
    yield f"- subjects: {_listed(SUBJECTS)};"
    yield f"- backgrounds: {_listed(BACKGROUNDS)};"
    yield f"- styles: {_listed(STYLES)}."
    yield ""
    yield f"{len(HELD_OUT)} combinations of attributes were left out, to see whether the model composes."
    yield ""


def _limits(report: Json) -> Iterator[str]:
    yield "- It knows the subjects, backgrounds and styles of its data; other words give one of these, or nothing."
    yield "- Small things are few latent pixels: eyes, collars and stripes come out soft or not at all."
    named = at_recommended(report)["held_out"]["named"]
    weak = [f"{spoken(name)} ({named[name]['accuracy']:.0%})" for name in ordered(named)]
    poor = [said for said, name in zip(weak, ordered(named), strict=True) if named[name]["accuracy"] < WEAK]
    if poor:
        yield f"- Followed in less than {WEAK:.0%} of held-out prompts: {', '.join(poor)}."
    yield "- It is made for learning and for tests, not for pictures that have to be good."


def _listed(names: Mapping[str, float]) -> str:
    return ", ".join(names)
