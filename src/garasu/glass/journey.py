"""A journey through prompt space, measured: where its picture is calm, where it storms and jumps, what flickers.

report = measure(sd, frames)
print(report)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
from PIL import Image
from torch import Tensor

from garasu.glass.flicker import Flicker, find_flickers
from garasu.glass.speed import Floats, embedding_angles, pixel_distances, tensor_distances
from garasu.glass.weather import Jump, Stretch, find_jumps, find_stretches, typical
from garasu.model import StableDiffusion

PIXELS, CLIP, LATENT = "pixels", "clip", "latent"


class JourneyError(ValueError):
    """Frames that make no journey."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a journey, at the share `u` of the way."""

    u: float
    picture: Image.Image
    latent: Tensor | None = None  # the finished one, [4, h, w] or [1, 4, h, w]
    conditioning: Tensor | None = None  # what the U-Net was told, [T, D] or [1, T, D]


@dataclass(frozen=True)
class Evenness:
    """How unlike the distances between neighbours are; both are at their least when all are the same."""

    variation: float  # standard deviation / mean; 0 at the least
    largest: float  # largest / median; 1 at the least

    @classmethod
    def of(cls, distances: Floats | Sequence[float]) -> Evenness:
        """Of a film in which nothing moves, it is that of one in which all moves alike."""
        known = np.asarray(distances)
        mean, median = float(known.mean()), float(np.median(known))
        largest = float(known.max())
        return cls(float(known.std()) / mean if mean else 0.0, largest / median if median else max(1.0, largest))


@dataclass(frozen=True)
class JourneyReport:
    """What `measure` found. A step lies between two frames: N frames have N-1."""

    u: tuple[float, ...]  # [N]
    changes: tuple[float, ...]  # [N-1], mean absolute change of the pixels in each step, levels of 255
    speeds: dict[str, tuple[float, ...]]
    """[N-1] each. `pixels`: levels of 255 per unit of u. `clip`: degrees between the embeddings of the checkpoint's
    image encoder, per unit of u. `latent`: ‖Δlatent‖/‖Δconditioning‖, the derivative's length in the direction of
    travel."""
    left_out: dict[str, str]  # the speeds that could not be measured, and why
    typical: float  # the median over the way of the pixels' speed, levels of 255 per unit of u
    evenness: Evenness
    jumps: tuple[Jump, ...]
    stretches: tuple[Stretch, ...]
    flickers: tuple[Flicker, ...]

    @property
    def fastest(self) -> float:
        """The pixels' greatest speed in multiples of the typical one."""
        return max(self.speeds[PIXELS]) / self.typical

    def json(self) -> str:
        """Everything, for programs."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    def __str__(self) -> str:
        return "\n".join([*_summary(self), *_way(self), *map(str, self.flickers), *_apart(self)])


def measure(sd: StableDiffusion, frames: Sequence[Frame]) -> JourneyReport:
    """Measure a journey whose frames lie in the order of their `u`.

    Raises JourneyError for fewer than two frames, for a `u` that does not grow, and for pictures of several sizes.
    """
    _check(frames)
    u = tuple(frame.u for frame in frames)
    pictures = [frame.picture for frame in frames]
    changes = pixel_distances(pictures)
    speeds, left_out = _speeds(sd, frames, changes)
    listed = changes.tolist()
    return JourneyReport(
        u=u,
        changes=tuple(listed),
        speeds={name: tuple(found.tolist()) for name, found in speeds.items()},
        left_out=left_out,
        typical=typical(np.array(u), speeds[PIXELS])[0],
        evenness=Evenness.of(changes),
        jumps=find_jumps(u, listed),
        stretches=find_stretches(u, listed),
        flickers=find_flickers(pictures, u),
    )


def _check(frames: Sequence[Frame]) -> None:
    if len(frames) < 2:
        raise JourneyError(f"a journey needs two frames at least, not {len(frames)}: ask for more")
    if any(after.u <= before.u for before, after in pairwise(frames)):
        raise JourneyError("the frames of a journey must be in the order of their u, no two at the same: sort them")
    sizes = sorted({frame.picture.size for frame in frames})
    if len(sizes) > 1:
        raise JourneyError(f"the frames of a journey must have one size, these have {sizes}: make them alike")


def _speeds(sd: StableDiffusion, frames: Sequence[Frame], changes: Floats) -> tuple[dict[str, Floats], dict[str, str]]:
    """What can be measured, and why the rest cannot."""
    step = np.diff([frame.u for frame in frames])
    speeds, left_out = {PIXELS: changes / step}, {}
    if sd.image_encoder is None:
        left_out[CLIP] = "the checkpoint has no image encoder"
    else:
        speeds[CLIP] = embedding_angles(sd.image_encoder, [frame.picture for frame in frames]) / step
    latent = _derivative(frames)
    if isinstance(latent, str):
        left_out[LATENT] = latent
    else:
        speeds[LATENT] = latent
    return speeds, left_out


def _derivative(frames: Sequence[Frame]) -> Floats | str:
    """‖Δlatent‖/‖Δconditioning‖ of each step, or why there is none."""
    latents = [frame.latent for frame in frames if frame.latent is not None]
    words = [frame.conditioning for frame in frames if frame.conditioning is not None]
    if len(latents) < len(frames) or len(words) < len(frames):
        return "not every frame came with its latent and its conditioning"
    if len({one.shape for one in words}) > 1:
        return "the conditionings have several lengths"
    travelled = tensor_distances(words)
    if not travelled.all():
        return "the conditioning stands still in some steps"
    return tensor_distances(latents) / travelled


def _summary(report: JourneyReport) -> list[str]:
    steps, evenness = len(report.changes), report.evenness
    return [
        f"{steps + 1} frames; the picture changes by {np.mean(report.changes):.2f} levels of 255 a frame, "
        f"typically {report.typical:.0f} over the whole way; the fastest step has {report.fastest:.0f}× that speed",
        f"evenness of the steps: variation {evenness.variation:.2f}, largest/median {evenness.largest:.1f}",
    ]


def _way(report: JourneyReport) -> list[str]:
    """Calm, storm and jumps in the order in which they are met."""
    met = [(one.start, f"{one.kind:5} {one.start:.3f}–{one.end:.3f} ({_pace(one)})") for one in report.stretches]
    met += [(one.at, f"  jump at {one.at:.3f} ({one.change:.1f} levels, {one.times:.0f}×)") for one in report.jumps]
    return [line for _, line in sorted(met)]


def _pace(stretch: Stretch) -> str:
    return f"mean {stretch.per_step:.2f}/frame, {stretch.speed:.0f}/u"


def _apart(report: JourneyReport) -> list[str]:
    return [f"no {name} speed: {why}" for name, why in report.left_out.items()]
