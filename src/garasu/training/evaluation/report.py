"""What an evaluation found, as a record, as JSON and as a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any

from garasu.training.evaluation.measures import Psnr, Retrieval, Score, Scores, Verdict

SHOWN_FIRST = ("subject", "fur", "background", "style")
NO_RETRIEVAL = "not measured: this model has no image_encoder that goes with its text encoder"


@dataclass(frozen=True)
class EvalSettings:
    """What is measured, and how thoroughly."""

    prompts: int = 500  # with held-out combinations; half as many again with seen ones
    steps: int = 25
    guidance_scales: tuple[float, ...] = (7.5,)
    sampler: str = "ddim"
    seed: int = 0
    renders: int = 256  # fresh drawings for the VAE
    retrieval_batches: int = 8
    probe_pictures: int = 1000  # fresh drawings that the probe itself is tested on


@dataclass(frozen=True)
class Obedience:
    """The pictures of one guidance scale, judged."""

    guidance_scale: float
    held_out: Verdict
    seen: Verdict


@dataclass(frozen=True)
class Measured:
    """What was measured, and on what."""

    name: str
    hash: str
    parameters: Mapping[str, int]  # by part
    size: tuple[int, int]  # of a picture, width and height in px
    hardware: str
    device: str
    dtype: str
    threads: int
    garasu: str  # version
    torch: str  # version


@dataclass(frozen=True)
class Report:
    """Everything that an evaluation found."""

    model: Measured
    settings: EvalSettings
    probe: Scores  # of the probe itself, on real drawings
    obedience: tuple[Obedience, ...]  # one for each guidance scale
    vae: Psnr
    retrieval: Retrieval | None
    seconds_per_picture: float
    seconds: float  # of the whole evaluation

    def to_json(self) -> str:
        """JSON; every score with its ``accuracy``."""
        return json.dumps(_plain(self), indent=2, ensure_ascii=False) + "\n"

    def table(self) -> str:
        """For a terminal."""
        return "\n".join(_lines(self))


def _plain(value: Any) -> Any:
    if isinstance(value, Score):
        return {"accuracy": round(value.share, 4), **asdict(value)}
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _lines(report: Report) -> Iterator[str]:
    model, settings = report.model, report.settings
    size = "x".join(map(str, model.size))
    yield f"{model.name}: {size}, {settings.sampler}, {settings.steps} steps, {model.device} {model.dtype}"
    for one in report.obedience:
        yield ""
        yield f"right of {settings.prompts} held-out and {settings.prompts // 2} seen prompts, " + (
            f"guidance scale {one.guidance_scale:g}"
        )
        yield from _columns(
            ("", "held-out", "seen", "real drawings"),
            [(name, one.held_out.named, one.seen.named, report.probe) for name in ordered(one.held_out.named)],
        )
        yield ""
        yield from _columns(
            ("left as it goes without saying", "held-out", "seen", ""),
            [(name, one.held_out.unsaid, one.seen.unsaid, {}) for name in ordered(one.held_out.unsaid)],
        )
    yield ""
    yield f"VAE                  {report.vae.mean:.1f} dB a picture, {report.vae.whole:.1f} dB over all"
    yield f"caption of 64 found  {NO_RETRIEVAL if report.retrieval is None else f'{report.retrieval.share:.1%}'}"
    yield f"seconds a picture    {report.seconds_per_picture:.2f} ({model.threads} threads, {model.hardware})"


def _columns(heads: tuple[str, ...], rows: Iterable[tuple[str, Scores, Scores, Scores]]) -> Iterator[str]:
    lines = [heads, *(("  " + spoken(name), *(_cell(one.get(name)) for one in scores)) for name, *scores in rows)]
    for first, *others in lines:
        yield (f"{first:32}" + "".join(f"{cell:>16}" for cell in others)).rstrip()


def _cell(score: Score | None) -> str:
    return "" if score is None or not score.of else f"{score.share:.1%} ({score.of})"


def ordered(names: Iterable[str]) -> list[str]:
    """Attributes in the order in which they are shown: those with a promise first."""
    known = list(names)
    return [*(name for name in SHOWN_FIRST if name in known), *sorted(set(known) - set(SHOWN_FIRST))]


def spoken(name: str) -> str:
    """An attribute's name in words."""
    return {"fur": "fur colour", "background_color": "background colour"}.get(name, name)
