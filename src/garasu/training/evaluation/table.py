"""What an evaluation found, as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from garasu.training.evaluation.leaking import Leaks
from garasu.training.evaluation.measures import Score
from garasu.training.evaluation.promise import Gap, Obedience, ordered, spoken
from garasu.training.evaluation.reconstruction import Psnr
from garasu.training.evaluation.report import Report

NO_RETRIEVAL = "not measured: this model has no image_encoder that goes with its text encoder"


def table(report: Report) -> str:
    """All figures of a report, in lines for a terminal."""
    return "\n".join(line.rstrip() for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    model, settings = report.model, report.settings
    size = "x".join(map(str, model.size))
    skip = f"clip skip {settings.clip_skip}, " if settings.clip_skip > 1 else ""
    yield f"{model.name}: {size}, {settings.sampler}, {settings.steps} steps, {skip}{model.device} {model.dtype}"
    for one in report.obedience:
        yield from _obedience(one, report)
    yield from _pictures(report)
    yield ""
    yield f"VAE                  {_decibels(report.vae)}"
    if report.second_vae is not None:
        yield f"VAE for faces        {_decibels(report.second_vae)}"
    yield f"caption of 64 found  {NO_RETRIEVAL if report.retrieval is None else f'{report.retrieval.share:.1%}'}"
    yield f"seconds a picture    {report.seconds_per_picture:.2f} ({model.threads} threads, {model.hardware})"
    yield f"guidance scale       {report.recommended_guidance_scale:g}, of those measured the best on held-out prompts"
    yield f"this took            {report.seconds / 60:.1f} minutes for {report.pictures} pictures"


def _obedience(one: Obedience, report: Report) -> Iterator[str]:
    settings, held_out, seen, gaps = report.settings, one.held_out.named, one.seen.named, one.gaps
    yield ""
    yield f"right of {settings.prompts} held-out and {settings.seen_prompts} seen prompts, " + (
        f"guidance scale {one.guidance_scale:g}"
    )
    yield _row("", "held-out", "seen", "gap in points", "real drawings")
    for name, both in one.groups.items():
        yield _row(name, _score(both.held_out), _score(both.seen), "")
    yield _row("all of these", _score(one.promised.held_out), _score(one.promised.seen), _gap(one.gap))
    for name in ordered(held_out):
        scores = (_score(held_out[name]), _score(seen.get(name)), _gap(gaps.get(name)), _score(report.probe.get(name)))
        yield _row("  " + spoken(name), *scores)
    yield ""
    yield _row("left as it goes without saying", "held-out", "seen")
    for name in ordered(one.held_out.unsaid):
        yield _row("  " + spoken(name), _score(one.held_out.unsaid[name]), _score(one.seen.unsaid.get(name)))


def _pictures(report: Report) -> Iterator[str]:
    frechet, diversity, leaking = report.frechet, report.diversity, report.leaking
    yield ""
    yield f"at guidance scale {frechet.guidance_scale:g}, as {frechet.tower} CLIP sees it"
    yield _row("Fréchet distance", "pictures", "floor", "ratio")
    for name, one in (("seen", frechet.seen), ("held-out", frechet.held_out)):
        counted = f"  {name}, {one.pictures} to {one.renders} drawings"
        yield _row(counted, f"{one.distance:.4f}", f"{one.floor:.4f}", f"{one.ratio:.2f}")
    yield _row(f"diversity over {diversity.seeds} seeds", "pictures", "drawings", "ratio")
    for name, spread in (("short", diversity.short), ("full", diversity.full)):
        yield _row(f"  {name} prompts", f"{spread.pictures:.3f}", f"{spread.drawings:.3f}", f"{spread.ratio:.2f}")
    yield _row("colour leaking", "both right", "leaks", "real: both", "real: leaks")
    for pair in leaking.pairs:
        yield _row(f"  {spoken(pair.first)}, {spoken(pair.second)}", *_leaks(pair.pictures), *_leaks(pair.drawings))
    yield _row("  all", *_leaks(leaking.pictures), *_leaks(leaking.drawings))


def _decibels(vae: Psnr) -> str:
    faces = "" if vae.faces is None else f", {vae.faces:.1f} dB in faces"
    return f"{vae.mean:.1f} dB a picture, {vae.whole:.1f} dB over all{faces}"


def _row(head: str, *cells: str) -> str:
    return f"{head:36}" + "".join(f"{cell:>16}" for cell in cells)


def _score(score: Score | None) -> str:
    return "" if score is None or not score.of else f"{score.share:.1%} ({score.of})"


def _gap(gap: Gap | None) -> str:
    return "" if gap is None else f"{gap.points:+.1f} ± {gap.error:.1f}"


def _leaks(leaks: Leaks) -> Iterable[str]:
    return _score(leaks.both), _score(leaks.leaked)
