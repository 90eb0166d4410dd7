"""A second VAE: the decoder trained further on eyes and faces, as Stable Diffusion's users swap one in for those.

Latents are the first VAE's, so either decodes what the other's U-Net has made.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from garasu.networks.vae import VAE
from garasu.training.data import Pictures, as_images, step_rng
from garasu.training.loop import TrainingError
from garasu.training.machine import Machine
from garasu.training.parts.vae import CROP, DecoderPart, Latents
from garasu.training.store import Array, Store, windows
from garasu.world.pens import Box

FACE_WEIGHT = 6.0  # of a pixel in a face, where one outside counts 1
ANYTHING_EVERY = 4  # every fourth batch is the decoder's own, faces or not: the rest of the picture must not suffer


class FacesPart(DecoderPart):
    """Squared error with faces weighing more, on crops around faces."""

    name = "faces"

    def __init__(self, vae: VAE, pictures: Pictures, latents: Sequence[Latents], seed: int = 0) -> None:
        """Raises TrainingError where no picture has a face."""
        super().__init__(vae, pictures, latents, seed)
        self.boxes = [_boxes(bucket.faces) for bucket in pictures.buckets]
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
        corners = [_window(bucket.faces[i], bucket.pixels.shape[1:3], self.vae.config.factor, rng) for i in picks]
        images, latents, weights = self._cut(number, torch.tensor(picks), torch.tensor(corners).T, machine.store)
        return {"images": images, "latents": self.disturbed(latents, machine, rng), "weights": weights}

    def _cut(self, number: int, rows: Tensor, corners: Tensor, store: Store) -> tuple[Tensor, Tensor, Tensor]:
        """Windows of pictures ``rows`` [B] of a bucket: pixels, latents and weights.

        ``corners`` [2, B]: lefts and tops, in latent pixels.
        """
        pixels, factor = self.pictures.buckets[number].pixels, self.vae.config.factor
        height, width = (min(side, CROP) for side in pixels.shape[1:3])
        lefts, tops = corners
        ys, xs = windows(tops * factor, lefts * factor, height, width)
        images = as_images(store.take(pixels, rows[:, None, None], ys, xs)).contiguous()
        ys, xs = windows(tops, lefts, height // factor, width // factor)
        latents = store.take(self.latents[number], rows[:, None, None], slice(None), ys, xs)  # [B, h, w, 4]
        boxes = store.take(self.boxes[number], rows)
        left, top = store.send(corners * factor)
        return images, latents.permute(0, 3, 1, 2).contiguous().float(), face_weights(boxes, top, left, height, width)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Squared error, weighted where the batch says so."""
        if "weights" not in batch:
            return super().forward(batch)
        errors = (self.vae.decode(batch["latents"]).float() - batch["images"]).square()
        weights = batch["weights"].expand_as(errors)
        squared = (weights * errors).sum() / weights.sum()
        return {"loss": 4 * squared, "psnr": -10 * (errors.detach().mean() / 4).log10()}


def face_weights(boxes: Tensor, tops: Tensor, lefts: Tensor, height: int, width: int) -> Tensor:
    """The weight of every pixel [B, 1, H, W] of windows that begin at ``tops`` [B] and ``lefts`` [B].

    ``boxes`` [B, F, 4]: left, top, right, bottom of each picture's faces; empty boxes for those that it lacks.
    """
    ys, xs = windows(tops, lefts, height, width)
    left, top, right, bottom = boxes[..., None].unbind(2)  # [B, F, 1]
    down = (ys.mT >= top) & (ys.mT < bottom)  # [B, F, H]
    across = (xs >= left) & (xs < right)  # [B, F, W]
    inside = (down[..., :, None] & across[..., None, :]).any(1)  # [B, H, W]
    return 1 + (FACE_WEIGHT - 1) * inside[:, None]


def _boxes(faces: Sequence[Sequence[Box]]) -> Array:
    """The faces of a bucket's pictures as one array [N, F, 4], filled up with empty boxes."""
    most = max((len(boxes) for boxes in faces), default=0)
    filled = np.zeros((len(faces), most, 4), np.int32)
    for row, boxes in zip(filled, faces, strict=True):
        row[: len(boxes)] = np.reshape(boxes, (-1, 4))
    return filled


def _window(faces: Sequence[Box], size: Sequence[int], factor: int, rng: torch.Generator) -> tuple[int, int]:
    """Left and top, in latent pixels, of a crop with one of the faces near its middle."""
    box = faces[int(torch.randint(len(faces), (), generator=rng))]
    shifts = torch.randint(-1, 2, (2,), generator=rng).tolist()
    corner = []
    for low, high, length, shift in ((box[0], box[2], size[1], shifts[0]), (box[1], box[3], size[0], shifts[1])):
        start = round(((low + high) / 2 - CROP / 2) / factor) + shift
        corner.append(min(max(start, 0), max(length - CROP, 0) // factor))
    return corner[0], corner[1]
