"""A record as the page reads it: plain data, the numbers packed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from garasu.glass.page.detail import Decode, Detail, decodes, shown_steps
from garasu.glass.page.maps import all_maps, attention_layers, attention_steps, shown_words, stacks
from garasu.glass.page.pictures import decoded, packed
from garasu.glass.preview import linear_preview
from garasu.glass.record.errors import RecordError
from garasu.glass.record.opening import Record
from garasu.glass.record.walk import Walk
from garasu.model import StableDiffusion

NO_WORDS = "The words of this prompt have no places of their own: it has parts, changes on the way or is calculated."
NO_MAPS = "This record kept no cross-attention: record with the default --record-panes to see maps of words."
NO_GUIDANCE = "The prompt has parts: no single difference to the negative prompt."


def run_data(sd: StableDiffusion, record: Record, detail: Detail, decode: Decode) -> dict[str, Any]:
    """All that the page shows of one record."""
    preview = linear_preview(sd)
    return {
        "name": record.path.resolve().name,
        "prompt": record.recipe.prompt,
        "negative": record.recipe.negative_prompt,
        "facts": _facts(record),
        "recipe": record.document.recipe,
        "factors": preview.factors.tolist(),
        "base": preview.base.tolist(),
        "walks": [_walk(sd, record, walk, detail, decode) for walk in record.walks],
    }


def _facts(record: Record) -> list[list[str]]:
    """What a run was and where, in pairs."""
    recipe, made = record.recipe, record.made_with
    model = f"{made.model} {made.model_hash[:10]}".strip() + (f", VAE {made.vae}" if made.vae else "")
    facts = {
        "task": recipe.task,
        "sampler": f"{recipe.sampler}, {recipe.steps} steps",
        "guidance scale": f"{recipe.guidance_scale:g}",
        "seed": ", ".join(dict.fromkeys(str(one.seed) for one in record.pictures)),
        "model": model,
        "ran on": f"{made.device}, {made.dtype}, {record.seconds:.3g} s",
        "versions": ", ".join(f"{name} {version}" for name, version in record.versions.items()),
    }
    if record.document.origin:
        facts["replay"] = f"changed from step {record.document.changed_at} on"
    return [[name, text] for name, text in facts.items() if text]


def _walk(sd: StableDiffusion, record: Record, walk: Walk, detail: Detail, decode: Decode) -> dict[str, Any]:
    steps = shown_steps(walk, detail.every)
    words = shown_words(record, walk)
    kept = attention_steps(walk, steps) if words else ()
    maps = all_maps(walk, sorted(set(kept)), stacks(walk, each=detail.each), words, detail.side) if words else {}
    height, width = walk.grid
    return {
        "name": f"{height}×{width}, {len(walk)} steps{_whose(record, walk)}",
        "grid": walk.grid,
        "steps": steps,
        "sigma": walk.sigma,
        "t": walk.t,
        "seconds": walk.seconds,
        "words": [{"text": one.text, "kind": one.kind} for one in words],
        "missing": "" if words else NO_WORDS if attention_layers(walk) else NO_MAPS,
        "unguided": _unguided(walk),
        "map_steps": kept,
        "rows": [row | {"maps": _row_maps(maps, index)} for index, row in enumerate(_rows(sd, walk, steps, decode))],
    }


def _whose(record: Record, walk: Walk) -> str:
    """Of which pictures a walk is, where a record has walks of others too."""
    return "" if all(one.labels == walk.labels for one in record.walks) else f", {', '.join(walk.labels)}"


def _row_maps(maps: dict[str, Tensor], row: int) -> list[dict[str, Any]]:
    return [
        {"name": name, "size": list(values.shape[-2:]), "data": packed(values[:, row])} for name, values in maps.items()
    ]


def _rows(sd: StableDiffusion, walk: Walk, steps: tuple[int, ...], decode: Decode) -> list[dict[str, Any]]:
    """Each picture of the batch."""
    x0 = torch.stack([walk.x0[step] for step in steps])  # [steps, B, 4, h, w]
    eps = torch.stack([walk.eps[step] for step in steps])
    difference = _differences(walk)
    strength = torch.stack([_strength(difference, walk, step) for step in steps])  # [steps, B, h, w]
    finished = decoded(sd, walk.finished)
    on_the_way = decodes(walk, sd.vae.config.factor, decode)
    looks = {"x0": walk.x0, "latent": walk.latent} if on_the_way else {}
    pictures = {name: [decoded(sd, series[step]) for step in steps] for name, series in looks.items()}
    change = _changes(walk)
    return [
        {
            "label": label,
            "x0": packed(x0[:, row]),
            "eps": packed(eps[:, row]),
            "guidance": packed(strength[:, row]),
            "finished": finished[row],
            "pictures": {name: [one[row] for one in some] for name, some in pictures.items()},
            "curves": {
                "sigma": list(walk.sigma),
                "guidance": [_size(difference.get(step), row) for step in range(len(walk))],
                "change": [_size(one, row) for one in change],
            },
        }
        for row, label in enumerate(walk.labels)
    ]


def _differences(walk: Walk) -> dict[int, Tensor]:
    """ε of the prompt less ε of the negative prompt, by step; nothing where it was not guided, or has parts."""
    try:
        series = walk.difference
    except RecordError:
        return {}
    return {step: series[step] for step in series.steps}


def _unguided(walk: Walk) -> str:
    """Why no step has guidance to show, if none has."""
    try:
        return "" if walk.difference.steps else "This run was not guided, or kept no predictions."
    except RecordError:
        return NO_GUIDANCE


def _strength(difference: dict[int, Tensor], walk: Walk, step: int) -> Tensor:
    """The length of the difference's four numbers at each place, [B, h, w]; not a number where there is none."""
    if step not in difference:
        return torch.full((len(walk.labels), *walk.grid), torch.nan)
    return difference[step].float().norm(dim=1)


def _changes(walk: Walk) -> list[Tensor | None]:
    """How x0 differs from the step before."""
    return [None, *(walk.x0[step] - walk.x0[step - 1] for step in range(1, len(walk)))]


def _size(values: Tensor | None, row: int) -> float | None:
    """The root mean square of one row."""
    return None if values is None else float(values[row].float().square().mean().sqrt())
