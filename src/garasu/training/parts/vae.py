"""Training the VAE: pictures in, the same pictures out, through four healthy latent channels.

The loss is the squared error (PSNR is what we promise), at first with an absolute and a gradient term for edges, and a
faint KL term. Two measures were learnt the hard way. Left alone, two of the four channels die within minutes
(*rank collapse*): folding the exact whitening of the latent into the 1×1 convolutions at its door, a few times early
on, keeps all four alive and makes the scaling factor 1. And a decoder that only ever meets exact latents turns the
small errors of a diffusion model into blotches: it is trained on latents with a little noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from garasu.networks.blocks import Downsample, ResNet, Upsample
from garasu.networks.vae import VAE, PixelAttention, VAEConfig
from garasu.training.data import Pictures, as_images, step_rng
from garasu.training.loop import Part
from garasu.training.machine import Machine
from garasu.training.parts.perceptual import Perceptual
from garasu.training.sheets import tile
from garasu.training.store import Array, Store, windows

Latents = np.ndarray[Any, np.dtype[np.float16]]

CROP = 64
WHOLE_EVERY = 6  # every sixth batch is whole pictures, and all of the last tenth
EDGES_UNTIL = 0.6  # the share of steps with the absolute and the gradient term; then the squared error alone
WHITEN_AT = (40, 80, 120, 160, 200)
LATENT_NOISE = 0.15  # largest standard deviation of the noise that the decoder meets (latents have 1)
DECODER_NOISE = 0.1  # the same for the decoder's own stage, where latents have exactly unit variance
KL_WEIGHT = 3e-4
START_LOG_VARIANCE = -6.0


class VAEPart(Part):
    """Reconstruction of crops and whole pictures."""

    name = "vae"

    def __init__(  # noqa: PLR0917
        self,
        config: VAEConfig,
        pictures: Pictures,
        steps: int,
        seed: int = 0,
        start: VAE | None = None,
        perceptual: Perceptual | None = None,
    ) -> None:
        """``start``: a trained VAE to go on from; its latents are white already and its edges are there."""
        super().__init__()
        self.perceptual = perceptual
        self.vae = VAE(config)
        self.pictures, self.steps, self.seed = pictures, steps, seed
        self.fresh = start is None
        self._seen: Tensor | None = None
        if start is None:
            start_simple(self.vae)
        else:
            self.vae.load_state_dict(start.state_dict())

    def batch(self, step: int, size: int, machine: Machine) -> dict[str, Tensor]:
        """Crops [B, 3, 64, 64], or a quarter as many whole pictures; with the noise for posterior and decoder."""
        rng = step_rng(self.seed, step, machine.rank)
        whole = step % WHOLE_EVERY == 0 or step >= 0.9 * self.steps
        number, indices = self.pictures.choose(rng, max(size // 4, 1) if whole else size)
        pixels, store = self.pictures.buckets[number].pixels, machine.store
        cut = store.take(pixels, torch.tensor(indices)) if whole else _crops(store, pixels, torch.tensor(indices), rng)
        images = as_images(cut)
        if not whole:
            images = images.contiguous()
        factor = self.vae.config.factor
        shape = (len(images), self.vae.config.latent_channels, images.shape[2] // factor, images.shape[3] // factor)
        strength = LATENT_NOISE * torch.rand(len(images), 1, 1, 1, generator=rng)
        early = self.fresh and step < EDGES_UNTIL * self.steps
        return {
            "images": images,
            "edges": store.send(torch.tensor(float(early))),
            "noise": store.normal(shape, rng),
            "disturbance": store.send(strength) * store.normal(shape, rng),
            "whole": torch.tensor(whole),  # stays on the CPU: no synchronisation
        }

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Squared, absolute, gradient and perceptual error, and the KL term."""
        images = batch["images"]
        posterior = self.vae.encode(images)
        self._seen = posterior.mean.detach()
        decoded = self.vae.decode(posterior.sample(batch["noise"]) + batch["disturbance"]).float()
        squared = F.mse_loss(decoded, images)
        absolute = F.l1_loss(decoded, images)
        edges = _gradient_loss(decoded, images)
        kl = posterior.kl().float().mean()
        loss = 4 * squared + batch["edges"] * (absolute + edges) + KL_WEIGHT * kl
        if self.perceptual is not None and batch["whole"]:
            loss = loss + self.perceptual(decoded, images)
        psnr = -10 * (squared.detach() / 4).log10()  # of the batch; pixels span 2
        return {"loss": loss, "psnr": psnr, "edges": edges, "kl": kl}

    def after_step(self, step: int) -> None:
        """Whiten early on, so that no channel dies."""
        if self.fresh and step in WHITEN_AT and self._seen is not None:
            whiten(self.vae, self._seen.float())
            _as_first_process(self.vae)

    def sheet(self) -> Image.Image:
        """Originals over their reconstructions."""
        return _reconstructions(self.vae, self.pictures)


@torch.no_grad()
def start_simple(vae: VAE) -> None:
    """Begin as a plain linear code of 8×8 patches, which learning then refines, and with a narrow posterior.

    Residual branches start at zero, downsampling as the mean of 2×2 pixels, upsampling as a copy: from PyTorch's
    random start the colours take ten times as many steps to come through. At σ = 1 the first latents would drown
    in their own noise.
    """
    for module in vae.modules():
        if isinstance(module, ResNet):
            _zero(module.conv2)
            if module.shortcut is not None:
                nn.init.orthogonal_(module.shortcut.weight)
        elif isinstance(module, Downsample | Upsample):
            _zero(module.conv)
            own = torch.arange(len(module.conv.weight))
            if isinstance(module, Downsample):
                module.conv.weight[own, own, :2, :2] = 0.25
            else:
                module.conv.weight[own, own, 1, 1] = 1
        elif isinstance(module, PixelAttention):
            module.to_out.weight.zero_()
    channels = vae.config.latent_channels
    vae.quant_conv.weight[channels:] = 0
    vae.quant_conv.bias[channels:] = START_LOG_VARIANCE  # type: ignore[index]


def _zero(conv: nn.Conv2d) -> None:
    for one in conv.parameters():
        nn.init.zeros_(one)


class DecoderPart(Part):
    """More training for the decoder alone, on latents that the finished encoder has made once.

    Without the encoder a step costs little more than half, and whoever reads latents (the U-Net) is not disturbed.
    """

    name = "decoder"

    def __init__(
        self,
        vae: VAE,
        pictures: Pictures,
        latents: Sequence[Latents],
        seed: int = 0,
        perceptual: Perceptual | None = None,
    ) -> None:
        """``latents``: for each bucket of ``pictures`` the scaled latents [N, 4, h, w]."""
        super().__init__()
        self.perceptual = perceptual
        self.vae = vae
        self.vae.encoder.requires_grad_(False)
        self.vae.quant_conv.requires_grad_(False)
        self.pictures, self.latents, self.seed = pictures, latents, seed

    def batch(self, step: int, size: int, machine: Machine) -> dict[str, Tensor]:
        """Latents with a little noise, and the pixels they stand for: crops, or a quarter as many whole pictures."""
        rng = step_rng(self.seed, step, machine.rank)
        whole = step % WHOLE_EVERY == 0
        number, indices = self.pictures.choose(rng, max(size // 4, 1) if whole else size)
        store, rows = machine.store, torch.tensor(indices)
        images = as_images(store.take(self.pictures.buckets[number].pixels, rows))
        latents = store.take(self.latents[number], rows).float()
        if not whole:
            images, latents = _aligned_crops(images, latents, self.vae.config.factor, rng)
        latents = self.disturbed(latents, machine, rng)
        return {"images": images, "latents": latents, "whole": torch.tensor(whole)}

    def disturbed(self, latents: Tensor, machine: Machine, rng: torch.Generator) -> Tensor:
        """Scaled latents [B, 4, h, w] as the decoder takes them, with noise of up to DECODER_NOISE."""
        strength = machine.store.send(DECODER_NOISE * torch.rand(len(latents), 1, 1, 1, generator=rng))
        return (latents + strength * machine.store.normal(latents.shape, rng)) / self.vae.config.scaling_factor

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Squared and perceptual error."""
        decoded = self.vae.decode(batch["latents"]).float()
        squared = F.mse_loss(decoded, batch["images"])
        loss = 4 * squared
        if self.perceptual is not None and batch["whole"]:
            loss = loss + self.perceptual(decoded, batch["images"])
        return {"loss": loss, "psnr": -10 * (squared.detach() / 4).log10()}

    def sheet(self) -> Image.Image:
        """Originals over their reconstructions."""
        return _reconstructions(self.vae, self.pictures)


@torch.no_grad()
def whiten(vae: VAE, latents: Tensor) -> None:
    """Fold into the latent's two 1×1 convolutions what makes ``latents`` white; decoded pictures stay the same.

    With mean μ and covariance C of the latents [B, 4, H, W], z' = C^(-1/2) (z − μ) enters ``quant_conv`` and its
    inverse enters ``post_quant_conv`` (the symmetric root, so that channels keep their character).
    """
    channels = latents.shape[1]
    flat = latents.transpose(0, 1).flatten(1).double()  # [C, B·H·W]
    mean = flat.mean(1)
    values, vectors = torch.linalg.eigh(torch.cov(flat))
    values = values.clamp(min=1e-4)
    forward = (vectors * values.rsqrt()) @ vectors.T
    inverse = (vectors * values.sqrt()) @ vectors.T
    weight, bias = vae.quant_conv.weight, vae.quant_conv.bias
    assert bias is not None and vae.post_quant_conv.bias is not None
    weight[:channels] = _mix(forward, weight[:channels])
    bias[:channels] = (forward @ (bias[:channels].double() - mean)).to(bias)
    bias[channels:] += forward.square().sum(1).log().to(bias)  # variances grow by the same map
    out = vae.post_quant_conv.weight
    vae.post_quant_conv.bias += (out[:, :, 0, 0].double() @ mean).to(bias)
    out.copy_((out[:, :, 0, 0].double() @ inverse)[:, :, None, None])


def _as_first_process(vae: VAE) -> None:
    """Take over what the first process folded: each saw pictures of its own, and all must train the same weights."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        for one in (*vae.quant_conv.parameters(), *vae.post_quant_conv.parameters()):
            torch.distributed.broadcast(one, 0)


def _mix(matrix: Tensor, weight: Tensor) -> Tensor:
    """``matrix`` [C, C] applied to the output channels of a 1×1 convolution's weight [C, I, 1, 1]."""
    return (matrix @ weight[:, :, 0, 0].double())[:, :, None, None].to(weight)


@torch.no_grad()
def _reconstructions(vae: VAE, pictures: Pictures) -> Image.Image:
    bucket = pictures.buckets[0]
    images = bucket.images(range(min(8, len(bucket.captions)))).to(next(vae.parameters()).device)
    return tile(torch.cat([images, vae.decode(vae.encode(images).mean)]), columns=len(images))


def _crops(store: Store, pixels: Array, rows: Tensor, rng: torch.Generator) -> Tensor:
    """A random 64×64 window of each picture, uint8 [B, 64, 64, 3] (or less where pictures are smaller)."""
    height, width = pixels.shape[1:3]
    tops = torch.randint(max(height - CROP, 0) + 1, (len(rows),), generator=rng)
    lefts = torch.randint(max(width - CROP, 0) + 1, (len(rows),), generator=rng)
    return store.take(pixels, rows[:, None, None], *windows(tops, lefts, min(height, CROP), min(width, CROP)))


def _aligned_crops(images: Tensor, latents: Tensor, factor: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """The same random window of pictures [B, 3, 64, 64] and of their latents [B, 4, 8, 8], one for the batch."""
    side = CROP // factor
    top = int(torch.randint(max(latents.shape[2] - side, 0) + 1, (), generator=rng))
    left = int(torch.randint(max(latents.shape[3] - side, 0) + 1, (), generator=rng))
    pixels = images[:, :, top * factor : top * factor + CROP, left * factor : left * factor + CROP]
    return pixels, latents[:, :, top : top + side, left : left + side]


def _gradient_loss(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference of horizontal and of vertical neighbours' differences."""
    error = a - b
    across = error[..., :, 1:] - error[..., :, :-1]
    down = error[..., 1:, :] - error[..., :-1, :]
    return across.abs().mean() + down.abs().mean()
