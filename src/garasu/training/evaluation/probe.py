"""The attribute probe: a small convolutional network that reads a scene's attributes off a picture.

It is trained on real drawings only, so it can judge a model without knowing it. The pictures of a model are softer
than drawings, which must not decide the verdict: half of the training pictures are blurred a little, half are noisy.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from garasu.networks.clip_vision import square
from garasu.training.data import step_rng
from garasu.training.loop import Part
from garasu.training.machine import Machine
from garasu.world.pens import Box
from garasu.world.render import render_with_faces
from garasu.world.scene import (
    ATTRIBUTES,
    BACKGROUNDS,
    COUNTS,
    PLACES,
    PLAIN_COLORS,
    STYLES,
    SUBJECTS,
    TRAITS,
    Scene,
    held_out_scene,
    labels,
    random_scene,
)

NOISE = 0.05  # largest standard deviation of the noise added in training; pixels are in −1…1
WEIGHTS = {"subject": 3.0, "style": 4.0, "pattern": 2.0, "accessory": 2.0}  # the hard ones; 1 for the others


@dataclass(frozen=True)
class ProbeConfig:
    """All numbers of the network: two convolutions a level, the first of which halves the sides.

    The heads see mean and maximum of every level, since a style is texture and a collar a few pixels, and where things
    are from the last: averages over a grid of ``fields`` × ``fields``.
    """

    size: int = 128  # side of the pictures in px; others are scaled to it
    channels: tuple[int, ...] = (32, 64, 96, 128)
    fields: int = 4


class Probe(nn.Module):
    """Pictures to one row of scores for each attribute."""

    def __init__(self, config: ProbeConfig = ProbeConfig(), values: Mapping[str, Sequence[str]] | None = None) -> None:
        """``values``: the attributes with their values, by default the world's."""
        super().__init__()
        self.config = config
        self.values = {name: list(known) for name, known in (values or label_values()).items()}
        inputs = (3, *config.channels[:-1])
        self.levels = nn.ModuleList(map(_level, inputs, config.channels))
        self.levels.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # half as slow again without
        seen = 2 * sum(config.channels) + config.channels[-1] * config.fields**2
        self.heads = nn.Linear(seen, sum(map(len, self.values.values())))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Pictures [B, 3, S, S] in −1…1 → scores [B, values] for each attribute."""
        x, seen = images, []
        for level in self.levels:
            x = level(x)  # [B, C, S/2, S/2], then S/4 …
            seen += [x.mean(dim=(2, 3)), x.amax(dim=(2, 3))]  # [B, C] each
        fields = F.adaptive_avg_pool2d(x, self.config.fields).flatten(1)
        scores = self.heads(torch.cat([*seen, fields], dim=1))
        return dict(zip(self.values, scores.split([len(known) for known in self.values.values()], 1), strict=True))

    @torch.no_grad()
    def read(self, images: Tensor) -> list[dict[str, str]]:
        """What is seen in pictures [B, 3, H, W] in −1…1 of any size: attribute → value for each."""
        assert not self.training  # else the batch would decide what is seen in a picture of it
        best = {name: scores.argmax(1).tolist() for name, scores in self(square(images, self.config.size)).items()}
        return [{name: self.values[name][rows[i]] for name, rows in best.items()} for i in range(len(images))]


def _level(width: int, channels: int) -> nn.Sequential:
    halve = nn.Conv2d(width, channels, 3, stride=2, padding=1, bias=False)
    stay = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
    rest = [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)], [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
    return nn.Sequential(halve, *rest[0], stay, *rest[1])


def label_values() -> dict[str, list[str]]:
    """Every attribute of the world with all values that ``labels`` can give."""
    values = {
        "subject": list(SUBJECTS),
        "style": list(STYLES),
        "background": list(BACKGROUNDS),
        "background_color": ["none", *PLAIN_COLORS],
        "count": list(COUNTS),
        "place": ["none", *PLACES],
    }
    for name in ATTRIBUTES:
        traits = [value for known in TRAITS.values() for value in known.get(name, ())]
        values.setdefault(name, list(dict.fromkeys(["none", *traits])))
    return values


def probe_scene(rng: random.Random) -> Scene:
    """A scene to learn from: a third held-out combinations, a third with all styles alike, a third as they come."""
    kind = rng.randrange(3)
    if kind == 0:
        return held_out_scene(rng)
    if kind == 1:
        return random_scene(rng, held_out=True, style=rng.choice(list(STYLES)))
    return random_scene(rng, held_out=True)


def draw(scenes: Sequence[Scene], seeds: Sequence[int], size: int | tuple[int, int]) -> Tensor:
    """The scenes' pictures [B, 3, H, W] in −1…1; ``size`` is a side or (width, height) in px."""
    return draw_with_faces(scenes, seeds, size)[0]


def draw_with_faces(
    scenes: Sequence[Scene], seeds: Sequence[int], size: int | tuple[int, int]
) -> tuple[Tensor, list[list[Box]]]:
    """The same pictures, and where the faces are in each."""
    drawn = [render_with_faces(one, size, seed) for one, seed in zip(scenes, seeds, strict=True)]
    pixels = torch.stack([torch.from_numpy(picture.copy()) for picture, _ in drawn])
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1, [faces for _, faces in drawn]


class ProbePart(Part):
    """Weighted cross-entropy of every attribute, on drawings made fresh for each step."""

    name = "probe"

    def __init__(self, probe: Probe, seed: int = 0) -> None:
        super().__init__()
        self.probe, self.seed = probe, seed
        self._index = {name: {value: i for i, value in enumerate(known)} for name, known in probe.values.items()}

    def batch(self, step: int, size: int, machine: Machine) -> dict[str, Tensor]:
        """Disturbed drawings [B, 3, S, S] and label indices [B, attributes]."""
        rng = random.Random(f"probe/{self.seed}/{step}/{machine.rank}")
        scenes = [probe_scene(rng) for _ in range(size)]
        images = draw(scenes, [rng.getrandbits(32) for _ in scenes], self.probe.config.size)
        seen = [labels(scene) for scene in scenes]
        batch = {
            "images": disturbed(images, step_rng(self.seed, step, machine.rank)),
            "labels": torch.tensor([[index[one[name]] for name, index in self._index.items()] for one in seen]),
        }
        return {name: value.to(machine.device) for name, value in batch.items()}

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Mean loss over attributes, and the share of attributes that were read right."""
        losses, right = [], []
        images = batch["images"].contiguous(memory_format=torch.channels_last)
        for i, (name, scores) in enumerate(self.probe(images).items()):
            truth = batch["labels"][:, i]
            losses.append(WEIGHTS.get(name, 1.0) * F.cross_entropy(scores.float(), truth))
            right.append((scores.argmax(1) == truth).float().mean())
        return {"loss": torch.stack(losses).mean(), "right": torch.stack(right).mean()}


def disturbed(images: Tensor, rng: torch.Generator) -> Tensor:
    """Pictures [B, 3, H, W], half of them mixed with their 3×3 average, half with noise of up to NOISE."""
    rows = (2, len(images), 1, 1, 1)
    softness, strength = (2 * torch.rand(rows, generator=rng) - 1).clamp(min=0)  # 0 for half, 0…1 for the others
    soft = F.avg_pool2d(images, 3, stride=1, padding=1, count_include_pad=False)
    return images.lerp(soft, softness) + NOISE * strength * torch.randn(images.shape, generator=rng)
