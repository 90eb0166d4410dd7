"""What an evaluation found, as a record and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any

from garasu.training.evaluation.diversity import Diversity
from garasu.training.evaluation.frechet import Frechet
from garasu.training.evaluation.leaking import Leaking
from garasu.training.evaluation.measures import Retrieval, Score, Scores
from garasu.training.evaluation.promise import Obedience, recommended
from garasu.training.evaluation.reconstruction import Psnr


@dataclass(frozen=True)
class EvalSettings:
    """What is measured, and how thoroughly. With fewer prompts everything that is measured on pictures shrinks."""

    prompts: int = 500  # with held-out combinations; half as many again with seen ones
    steps: int = 25
    guidance_scales: tuple[float, ...] = (7.5,)
    sampler: str = "ddim"
    clip_skip: int = 1
    seed: int = 0
    renders: int = 256  # fresh drawings for the VAE
    retrieval_batches: int = 8
    probe_pictures: int = 1000  # fresh drawings that the probe itself is tested on

    @property
    def seen_prompts(self) -> int:
        """Prompts without a held-out combination."""
        return self.prompts // 2

    @property
    def diversity_seeds(self) -> int:
        """Noises of each prompt whose pictures are compared."""
        return min(8, max(2, self.prompts // 4))

    @property
    def leak_prompts(self) -> int:
        """Prompts of each pair of attributes that could take each other's colours."""
        return min(20, max(1, self.prompts // 20))


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
    frechet: Frechet  # this and the next two at the first guidance scale
    diversity: Diversity
    leaking: Leaking
    vae: Psnr
    second_vae: Psnr | None  # the one for faces in the model's folder
    retrieval: Retrieval | None
    seconds_per_picture: float
    pictures: int  # that the model drew for all this
    seconds: float  # of the whole evaluation

    @property
    def recommended_guidance_scale(self) -> float:
        """Of those measured, the one at which held-out prompts are followed best."""
        return recommended(self.obedience)

    def to_json(self) -> str:
        """JSON; every score with its ``accuracy``, null where nothing was asked."""
        return json.dumps(_plain(self), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


_DERIVED: Mapping[type, tuple[str, ...]] = {
    Report: ("recommended_guidance_scale",),
    Obedience: ("promised", "groups", "gap", "gaps"),
}
"""What is worked out from a record's fields and written beside them."""


def _plain(value: Any) -> Any:
    if isinstance(value, Score):
        return {"accuracy": round(value.share, 4) if value.of else None, **asdict(value)}
    if is_dataclass(value):
        names = [*(field.name for field in fields(value)), *_DERIVED.get(type(value), ())]
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
