"""The measured part of the model card, from a report's JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from garasu.training.evaluation.promise import GROUPS, group_name, ordered, spoken
from garasu.training.evaluation.table import NO_RETRIEVAL

Json = Mapping[str, Any]


def quality(report: Json) -> Iterator[str]:
    """Lines of Markdown, a section for each thing that was measured."""
    settings, scales = report["settings"], report["obedience"]
    seen = scales[0]["seen"]["named"]["subject"]["of"]
    yield f"On {settings['prompts']} prompts with combinations of attributes that were left out of training, and {seen}"
    yield f"without: {settings['sampler']}, {settings['steps']} steps. The judge is a probe, trained on real drawings"
    yield "alone. In brackets: how many prompts say something about the attribute."
    yield from ("", "### Recommended guidance scale", "", *_scales(report))
    for one in scales:
        yield from (
            "",
            f"### Prompts followed at guidance scale {one['guidance_scale']:g}",
            "",
            *_followed(one, report),
        )
    yield from ("", "### Unseen combinations against seen ones", "", *_gaps(scales))
    yield from ("", "### Fréchet distance to drawings", "", *_frechet(report))
    yield from ("", "### Diversity over seeds", "", *_diversity(report))
    yield from ("", "### Colour leaking", "", *_leaking(report))
    yield from ("", "### The parts alone", "", *_parts(report))


def at_recommended(report: Json) -> Json:
    """The verdict on the pictures of the recommended guidance scale."""
    found: Json
    (found,) = (
        one for one in report["obedience"] if one["guidance_scale"] == report["recommended_guidance_scale"]
    )  # fmt: skip
    return found


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table in Markdown, line by line."""
    for cells in (heads, ("---",) * len(heads), *rows):
        yield f"| {' | '.join(cells)} |"


def _scales(report: Json) -> Iterator[str]:
    yield f"**{report['recommended_guidance_scale']:g}**, by this rule: of the scales that were measured, the one with"
    yield "the largest share of right answers to all questions about the attributes of the three groups below, on"
    yield "prompts with unseen combinations."
    yield ""
    rows = [
        (f"{one['guidance_scale']:g}", _share(one["promised"]["held_out"]), _share(one["promised"]["seen"]))
        for one in report["obedience"]
    ]
    yield from table(("guidance scale", "held-out combinations", "seen combinations"), rows)


def _followed(one: Json, report: Json) -> Iterator[str]:
    held_out, seen = one["held_out"]["named"], one["seen"]["named"]
    groups = [(group_name(names), one["groups"][group_name(names)]) for names in GROUPS]
    rows = [(name, _share(both["held_out"]), _share(both["seen"])) for name, both in groups]
    yield from table(("all questions about", "held-out combinations", "seen combinations"), rows)
    yield ""
    yield from table(
        ("attribute", "held-out combinations", "seen combinations", "the probe on real drawings"),
        [(spoken(n), *(_share(s.get(n)) for s in (held_out, seen, report["probe"]))) for n in ordered(held_out)],
    )


def _gaps(scales: Sequence[Json]) -> Iterator[str]:
    yield "Share of right answers about seen combinations minus that about held-out ones, in percentage points ± its"
    yield "standard error; the counts are above. Overall: the mean, weighted by held-out questions."
    yield ""
    names = ordered({name for one in scales for name in one["gaps"]})
    rows = [(spoken(name), *(_points(one["gaps"].get(name)) for one in scales)) for name in names]
    heads = ("attribute", *(f"guidance scale {one['guidance_scale']:g}" for one in scales))
    yield from table(heads, [("**overall**", *(_points(one["gap"]) for one in scales)), *rows])


def _frechet(report: Json) -> Iterator[str]:
    found = report["frechet"]
    yield f"Between pictures and fresh drawings, at guidance scale {found['guidance_scale']:g} (the first that was"
    yield f"given, as for diversity and leaking), in the space of {found['tower']} CLIP vision tower. The floor is the"
    yield "distance of drawings of the same scenes, as many as there are pictures, to the same fresh drawings. Both"
    yield "depend on the number of pictures, so they can be compared only with figures of the same counts."
    yield ""
    rows = [
        (name, f"{one['pictures']}", f"{one['renders']}", *(f"{one[key]:.4f}" for key in ("distance", "floor")),
         f"{one['ratio']:.2f}×")
        for name, one in (("seen", found["seen"]), ("held-out", found["held_out"]))
    ]  # fmt: skip
    yield from table(("combinations", "pictures", "drawings", "distance", "floor", "over the floor"), rows)


def _diversity(report: Json) -> Iterator[str]:
    found = report["diversity"]
    yield f"Mean cosine distance of two of the {found['seeds']} pictures of a prompt, at guidance scale"
    yield f"{found['guidance_scale']:g}, beside that of two drawings that fit it, in the same space."
    yield ""
    spreads = {"**short prompts**": found["short"], "**full prompts**": found["full"], **found["prompts"]}
    rows = [
        (name, f"{one['pictures']:.3f}", f"{one['drawings']:.3f}", f"{one['ratio']:.2f}")
        for name, one in spreads.items()
    ]
    yield from table(("prompt", "pictures", "drawings", "ratio"), rows)


def _leaking(report: Json) -> Iterator[str]:
    found = report["leaking"]
    yield "Prompts that give two attributes different colours, at guidance scale"
    yield f"{found['guidance_scale']:g}: how often both are right, and how often an attribute takes the other's colour,"
    yield "of those that could. In brackets: how many prompts, and how many attributes that could."
    yield ""
    named = [(f"{one['subject']}: {spoken(one['first'])}, {spoken(one['second'])}", one) for one in found["pairs"]]
    rows = [
        (name, *(_share(one[kind][key]) for kind in ("pictures", "drawings") for key in ("both", "leaked")))
        for name, one in [("**all**", found), *named]
    ]
    heads = ("attributes", "both right", "leaks", "both right on real drawings", "leaks on real drawings")
    yield from table(heads, rows)


def _parts(report: Json) -> Iterator[str]:
    found, vae, settings, model = report["retrieval"], report["vae"], report["settings"], report["model"]
    yield f"- VAE: {_decibels(vae)}; on {vae['pictures']} fresh drawings."
    if report["second_vae"] is not None:
        yield f"- The second VAE, for faces: {_decibels(report['second_vae'])}; on the same drawings."
    retrieved = NO_RETRIEVAL if found is None else f"{found['share']:.1%} of pictures find their own caption among 64"
    yield f"- CLIP pair: {retrieved}."
    yield (
        f"- Speed: {report['seconds_per_picture']:.2f} s a picture of {settings['steps']} guided steps "
        f"({model['dtype']}, {model['threads']} threads of {model['hardware']}; torch {model['torch']})."
    )


def _decibels(vae: Json) -> str:
    faces = "" if vae["faces"] is None else f", {vae['faces']:.1f} dB in faces"
    return f"{vae['mean']:.1f} dB a picture, {vae['whole']:.1f} dB over all{faces}"


def _share(score: Json | None) -> str:
    return "–" if score is None or not score["of"] else f"{score['accuracy']:.1%} ({score['of']})"


def _points(gap: Json | None) -> str:
    return "–" if gap is None else f"{gap['points']:+.1f} ± {gap['error']:.1f}"
