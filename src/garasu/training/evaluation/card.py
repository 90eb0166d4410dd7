"""The model card: written from the model's files, its training run and its evaluation, never by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from garasu.images.saving import whole_file
from garasu.training.evaluation.evaluate import EvaluationError
from garasu.training.evaluation.promise import ordered, spoken
from garasu.training.evaluation.quality import Json, at_recommended, quality, table
from garasu.training.history import FILE, Run, TrainedPart, read_history
from garasu.world.scene import BACKGROUNDS, HELD_OUT, STYLES, SUBJECTS

PARTS = {
    "clip": "CLIP pair",
    "vae": "VAE",
    "decoder": "the VAE's decoder, further",
    "unet": "U-Net",
    "faces": "a second VAE's decoder, for faces",
}
WEAK = 0.7  # below this share of held-out prompts an attribute is named among the limits


def write_card(model: Path, report: str) -> Path:
    """Write ``README.md`` into a model's folder, from its training.json and an evaluation's report.json, its text.

    Returns:
        The file.

    Raises:
        EvaluationError: the model is no folder, or was not trained by ``garasu train base``.
    """
    check_card(model)
    text = "\n".join(_card(model, json.loads(report), read_history(model))) + "\n"
    with whole_file(model / "README.md") as beside:
        beside.write_text(text, encoding="utf-8")
    return model / "README.md"


def check_card(model: Path) -> None:
    """Ask before a long evaluation whether the model can carry a card; raises as ``write_card``."""
    if not (model / "model_index.json").is_file():
        raise EvaluationError(f"{model} is no checkpoint folder, so it cannot carry a model card.")
    if not read_history(model):
        raise EvaluationError(
            f"{model} has no {FILE}: a card tells of the training, so train it with garasu train base."
        )


def _card(model: Path, report: Json, history: Sequence[Run]) -> Iterator[str]:
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
    yield from _training(history)
    yield from ("", "## Measured quality", "", *quality(report))
    yield from ("", "## Limits", "", *_limits(report))
    yield from ("", "## Use", "", "```python", "import garasu", "", "sd = garasu.load()  # or a path to this folder")
    scale = f"guidance_scale={report['recommended_guidance_scale']:g}"
    yield from (f'garasu.txt2img(sd, "a black cat with yellow eyes", seed=7, {scale}).save("cat.png")', "```", "")
    yield "The folder is in diffusers' layout: `StableDiffusionPipeline.from_pretrained` loads it too."


def _training(history: Sequence[Run]) -> Iterator[str]:
    """For each run its data and its parts; then the time of all."""
    for number, run in enumerate(history, 1):
        begun = "from scratch" if run.fresh else "going on from what earlier runs made"
        yield f"Run {number}, {begun}, on {run.hardware} ({run.threads} thread{'s' if run.threads > 1 else ''}):"
        yield from ("", _data(run), "")
        rows = [(PARTS[name], *_row(part)) for name, part in run.parts.items()]
        yield from table(("part", "steps", "batch", "learning rate", "time"), rows)
        yield ""
    if any(run.drawn for run in history):
        yield from _world()
    minutes = sum(part.seconds for run in history for part in run.parts.values()) / 60
    yield f"{minutes:.0f} minutes if the parts are trained one after the other."


def _row(part: TrainedPart) -> tuple[str, ...]:
    """Cells of the table: steps, batch, rate, time."""
    s = part.settings
    average = "" if s["ema"] is None else f", averaged with decay {s['ema']:g}"
    rate = f"AdamW, {s['lr']:g} after {s['warmup']} steps of warm-up, cosine from {s['flat']:.0%} on{average}"
    return f"{s['steps']}", f"{s['batch']}", rate, f"{part.seconds / 60:.0f} min"


def _part_rows(model: Path, parameters: Mapping[str, int]) -> list[tuple[str, ...]]:
    rows = []
    for name, count in parameters.items():
        size = sum(path.stat().st_size for path in (model / name).glob("*.safetensors"))
        rows.append((name, f"{count / 1e6:.2f} M", f"{size / 1e6:.1f} MB"))
    total = sum(path.stat().st_size for path in model.rglob("*") if path.is_file() and path.name != "README.md")
    return [*rows, ("all", f"{sum(parameters.values()) / 1e6:.2f} M", f"{total / 1e6:.1f} MB with all files")]


def _data(run: Run) -> str:
    sizes = ", ".join(f"{count} of {width}×{height} px" for width, height, count in run.pictures)
    count = sum(one[2] for one in run.pictures)
    return f"{count} pictures ({sizes}), {run.captions} caption{'s' if run.captions > 1 else ''} each."


def _world() -> Iterator[str]:
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
