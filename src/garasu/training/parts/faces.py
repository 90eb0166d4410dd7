"""A second VAE: the decoder trained further on eyes and faces, as Stable Diffusion's users swap one in for those.

Latents are the first VAE's, so either decodes what the other's U-Net has made.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from garasu.networks.vae import VAE
from garasu.training.data import Pictures, step_rng
from garasu.training.loop import TrainingError
from garasu.training.machine import Machine
from garasu.training.parts.vae import CROP, DECODER_NOISE, DecoderPart, Latents
from garasu.world.pens import Box

FACE_WEIGHT = 6.0  # of a pixel in a face, where one outside counts 1
ANYTHING_EVERY = 4  # every fourth batch is the decoder's own, faces or not: the rest of the picture must not suffer


class FacesPart(DecoderPart):
    """Squared error with faces weighing more, on crops around faces."""

    name = "faces"

    def __init__(self, vae: VAE, pictures: Pictures, latents: Sequence[Latents], seed: int = 0) -> None:
        """Raises TrainingError where no picture has a face."""
        super().__init__(vae, pictures, latents, seed)
        self.faces = [[i for i, boxes in enumerate(bucket.faces) if boxes] for bucket in pictures.buckets]
        if not any(self.faces):
            raise TrainingError("None of these pictures has its faces marked; train on the drawn world.")

    def batch(self, step: int, size: int, machine: Machine) -> dict[str, Tensor]:
        """Crops [B, 3, 64, 64] around faces, the latents that they came from, and the weights of their pixels."""
        if step % ANYTHING_EVERY == 0:
            return super().batch(step, size, machine)
        rng = step_rng(self.seed, step, machine.rank)
        shares = torch.tensor([len(found) for found in self.faces], dtype=torch.float)
        number = int(torch.multinomial(shares, 1, generator=rng))
        bucket, known = self.pictures.buckets[number], self.faces[number]
        picks = [known[i] for i in torch.randint(len(known), (size,), generator=rng).tolist()]
        crops = [self._crop(number, i, image, rng) for i, image in zip(picks, bucket.images(picks), strict=True)]
        images, latents, weights = (torch.stack(one) for one in zip(*crops, strict=True))
        noise = DECODER_NOISE * torch.rand(size, 1, 1, 1, generator=rng) * torch.randn(latents.shape, generator=rng)
        batch = {
            "images": images,
            "latents": (latents + noise) / self.vae.config.scaling_factor,
            "weights": weights,
        }
        return {name: value.to(machine.device) for name, value in batch.items()}

    def _crop(self, number: int, index: int, image: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """A window on a face of picture ``index`` of a bucket: pixels, latent and weights."""
        faces, factor = self.pictures.buckets[number].faces[index], self.vae.config.factor
        left, top = _window(faces, image.shape[1:], factor, rng)
        side = CROP // factor
        latent = self.latents[number][index][:, top : top + side, left : left + side]
        here = slice(top * factor, top * factor + CROP), slice(left * factor, left * factor + CROP)
        weights = face_weights(faces, image.shape[1:])
        return image[:, *here], torch.from_numpy(np.array(latent)).float(), weights[:, *here]

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Squared error, weighted where the batch says so."""
        if "weights" not in batch:
            return super().forward(batch)
        errors = (self.vae.decode(batch["latents"]).float() - batch["images"]).square()
        weights = batch["weights"].expand_as(errors)
        squared = (weights * errors).sum() / weights.sum()
        return {"loss": 4 * squared, "psnr": -10 * (errors.detach().mean() / 4).log10()}


def face_weights(faces: Sequence[Box], size: Sequence[int]) -> Tensor:
    """The weight of every pixel [1, H, W] of a picture with these faces; ``size`` is (H, W)."""
    weights = torch.ones(1, *size)
    for left, top, right, bottom in faces:
        weights[:, max(top, 0) : bottom, max(left, 0) : right] = FACE_WEIGHT
    return weights


def _window(faces: Sequence[Box], size: Sequence[int], factor: int, rng: torch.Generator) -> tuple[int, int]:
    """Left and top, in latent pixels, of a crop with one of the faces near its middle."""
    box = faces[int(torch.randint(len(faces), (), generator=rng))]
    shifts = torch.randint(-1, 2, (2,), generator=rng).tolist()
    corner = []
    for low, high, length, shift in ((box[0], box[2], size[1], shifts[0]), (box[1], box[3], size[0], shifts[1])):
        start = round(((low + high) / 2 - CROP / 2) / factor) + shift
        corner.append(min(max(start, 0), max(length - CROP, 0) // factor))
    return corner[0], corner[1]
