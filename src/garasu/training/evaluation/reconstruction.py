"""What a VAE loses of a picture: fresh drawings through it and back, over whole pictures and over faces alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

import torch
from torch import Tensor

from garasu.checkpoints import read_vae
from garasu.images.convert import to_tensor
from garasu.model import StableDiffusion
from garasu.training.evaluation.measures import rows_at_once
from garasu.training.evaluation.probe import draw_with_faces
from garasu.training.export import SECOND_VAE
from garasu.world.pens import Box
from garasu.world.scene import random_scene

SMALLEST_ERROR = 1e-10  # 100 dB: a picture that comes back whole has no finite ratio


@dataclass(frozen=True)
class Psnr:
    """Peak signal-to-noise ratios in dB of decoded against original pictures, pixels in 0…1."""

    mean: float  # of each picture's own ratio
    whole: float  # of the mean squared error over all pictures
    faces: float | None  # of each face's own ratio, the mean; None where no picture shows a face
    pictures: int


def psnr(sd: StableDiffusion, count: int, seed: int = 0) -> Psnr:
    """Encode fresh drawings of the model's native size to the mean latent and decode them, as users do."""
    pictures, faces = [], []
    for images, boxes in _fresh(count, rows_at_once(sd), sd.native_size, f"psnr/{seed}"):
        decoded = to_tensor(sd.decode_each(sd.encode_image(images)))
        errors = ((decoded - images) / 2).square().mean(1).double()  # [B, H, W]
        pictures.append(errors.mean(dim=(1, 2)))
        faces += [inside(error, box).mean() for error, known in zip(errors, boxes, strict=True) for box in known]
    squared = torch.cat(pictures)
    of_faces = float(_ratio(torch.stack(faces)).mean()) if faces else None
    return Psnr(float(_ratio(squared).mean()), float(_ratio(squared.mean())), of_faces, count)


def second_psnr(sd: StableDiffusion, count: int, seed: int = 0) -> Psnr | None:
    """The same of the VAE for faces that lies in the model's folder; None where there is none."""
    folder = None if sd.checkpoint.source is None else sd.checkpoint.source / SECOND_VAE
    if folder is None or not folder.is_dir():
        return None
    vae = read_vae(folder, dtype=sd.dtype, device=sd.device)
    other = StableDiffusion(replace(sd.checkpoint, vae=vae))
    other.run_by(sd.engine, sd.device)
    return psnr(other, count, seed)


def inside(values: Tensor, box: Box) -> Tensor:
    """The part of a picture's values [H, W] within a box, which may reach over the edge."""
    left, top, right, bottom = box
    return values[max(top, 0) : bottom, max(left, 0) : right]


def _ratio(squared: Tensor) -> Tensor:
    return -10 * squared.clamp(min=SMALLEST_ERROR).log10()


def _fresh(
    count: int, rows: int, size: tuple[int, int], name: str
) -> Iterator[tuple[Tensor, Sequence[Sequence[Box]]]]:  # fmt: skip
    """Drawings [B, 3, H, W] in −1…1 with their faces, none of them from training."""
    rng = Random(name)
    for first in range(0, count, rows):
        scenes = [random_scene(rng) for _ in range(min(rows, count - first))]
        yield draw_with_faces(scenes, [rng.getrandbits(32) for _ in scenes], size)
