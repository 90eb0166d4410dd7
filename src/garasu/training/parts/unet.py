"""Training the U-Net on cached latents and text states: predict the noise that was added (Ho et al. 2020, eq. 14).

With min-SNR weights (Hang et al. 2023), stratified timesteps, and a tenth of the captions left empty so that
classifier-free guidance has something to guide away from (Ho and Salimans 2022).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from garasu.diffusion.denoiser import Denoiser, Levels
from garasu.diffusion.guidance import guided
from garasu.diffusion.noise import Noise
from garasu.diffusion.samplers import find_sampler, start
from garasu.diffusion.schedule import Schedule
from garasu.diffusion.steps import drive
from garasu.networks.clip_text import CLIPText
from garasu.networks.unet import UNet, UNetConfig
from garasu.networks.vae import VAE
from garasu.prompts.conditioning import encode
from garasu.prompts.tokenizer import Tokenizer
from garasu.training.data import Bucket, Pictures, as_images, step_rng
from garasu.training.loop import Part
from garasu.training.machine import Machine
from garasu.training.sheets import tile
from garasu.training.store import Array

EMPTY_SHARE = 0.1
MIN_SNR = 5.0
SHEET_STEPS = 20
SHEET_GUIDANCE = 5.0
SHEET_PROMPTS = (
    "a black cat with yellow eyes",
    "an orange tabby cat on the beach under a palm tree",
    "cat, sea, wave, palm tree, in Edvard Munch style",
    "a gray kitten with a red hat, snow",
    "a brown dog on a bench",
    "a pink cake, watercolor",
    "a white cat at night with a moon",
    "two orange kittens, window sill",
    "a cat, pencil sketch",
    "a knight with a red shield",
    "a girl in a blue dress, Kandinsky style",
    "a sleeping black cat, pixel art",
)


@dataclass(frozen=True)
class Cached:
    """One bucket as the U-Net sees it: latents float16 [N, 4, h, w], text states float16 [N, captions, 77, D]."""

    latents: np.ndarray[Any, np.dtype[np.float16]]
    texts: np.ndarray[Any, np.dtype[np.float16]]


class UNetPart(Part):
    """The denoising loss over cached latents."""

    name = "unet"

    def __init__(self, config: UNetConfig, frozen: Frozen, cached: list[Cached], seed: int = 0) -> None:
        super().__init__()
        # channels_last is a sixth faster on a CPU; torch's annotations do not know it
        self.unet = UNet(config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.denoiser = Denoiser(self.unet, Schedule.scaled_linear())
        self.frozen, self.cached, self.seed = frozen, cached, seed

    def batch(self, step: int, size: int, machine: Machine) -> dict[str, Tensor]:
        """Latents, text states and noise of one step, and its ``Levels`` [5, B]."""
        rng = step_rng(self.seed, step, machine.rank)
        shares = torch.tensor([len(one.latents) for one in self.cached], dtype=torch.float)
        bucket, store = self.cached[int(torch.multinomial(shares, 1, generator=rng))], machine.store
        picks = torch.randint(len(bucket.latents), (size,), generator=rng)
        which = torch.randint(bucket.texts.shape[1], (size,), generator=rng)
        latents = store.take(bucket.latents, picks).float()
        texts = store.take(bucket.texts, picks, which).float()
        empty = store.send(torch.rand(size, generator=rng) < EMPTY_SHARE)
        noise = store.normal(latents.shape, rng)
        levels = self.denoiser.levels(_stratified(size, rng), MIN_SNR)  # float64, and sent as what x is
        return {
            "latents": latents,
            "texts": torch.where(empty[:, None, None], self.frozen.empty, texts),
            "noise": noise,
            "levels": store.send(torch.stack(levels).float()),
        }

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Weighted squared error of ε."""
        levels = Levels(*batch["levels"].unbind())
        loss = self.denoiser.loss_at(levels, batch["latents"], batch["texts"], batch["noise"])
        return {"loss": loss.mean()}

    @torch.no_grad()
    def sheet(self) -> Image.Image:
        """The same prompts and noises every time."""
        words = encode(self.frozen.text, self.frozen.tokenizer, list(SHEET_PROMPTS)).tensor
        side = self.unet.config.sample_size
        noise = Noise(range(len(words)), (4, side, side), words.device)
        denoise = guided(self.denoiser, words, self.frozen.empty, SHEET_GUIDANCE)
        sampler = find_sampler("ddim")
        sigmas = sampler.sigmas(self.denoiser.schedule, SHEET_STEPS)
        questions = sampler.run(sigmas, start(sampler, noise.draw(), float(sigmas[0])), noise.draw)
        *_, last = drive(questions, denoise, total=SHEET_STEPS, final_sigma=float(sigmas[-1]))
        vae = self.frozen.vae
        return tile(vae.decode(last.latent / vae.config.scaling_factor), columns=4)


@dataclass(frozen=True)
class Frozen:
    """The finished networks that U-Net training reads but does not change."""

    vae: VAE
    text: CLIPText
    tokenizer: Tokenizer
    empty: Tensor  # text states of the empty prompt [1, 77, D]


def freeze(vae: VAE, text: CLIPText, tokenizer: Tokenizer, device: torch.device) -> Frozen:
    """Finished networks in evaluation mode on ``device``, with the empty prompt encoded."""
    vae, text = vae.to(device).eval().requires_grad_(False), text.to(device).eval().requires_grad_(False)
    return Frozen(vae, text, tokenizer, encode(text, tokenizer, [""]).tensor.to(device))


@torch.no_grad()
def cache(pictures: Pictures, frozen: Frozen, folder: Path, machine: Machine, rows: int | None = None) -> list[Cached]:
    """Encode every picture and caption once, into memory-mapped files in ``folder`` (or open those there).

    ``rows``: pictures encoded at a time.
    """
    rows = rows or (1024 if machine.device.type == "cuda" else 128)
    return [_cache_bucket(bucket, frozen, folder, machine, rows) for bucket in pictures.buckets]


def _cache_bucket(bucket: Bucket, frozen: Frozen, folder: Path, machine: Machine, rows: int) -> Cached:
    def latents(some: slice) -> Tensor:
        return _latents(bucket.pixels[some], frozen, machine)

    def texts(some: slice) -> Tensor:
        return _texts(bucket.captions[some], frozen, machine)

    name, count = f"{bucket.size[0]}x{bucket.size[1]}.npy", len(bucket.captions)
    return Cached(
        _array(folder / f"latents-{name}", count, rows, latents), _array(folder / f"texts-{name}", count, rows, texts)
    )


def _array(path: Path, count: int, rows: int, make: Callable[[slice], Tensor]) -> np.ndarray[Any, np.dtype[np.float16]]:
    """The array at ``path``, made a slice at a time beside it and renamed when it is whole.

    A thread writes one slice while the next is in the making.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".part")
        slices = [slice(start, min(start + rows, count)) for start in range(0, count, rows)]
        first = make(slices[0])
        shape = (count, *first.shape[1:])
        array = np.lib.format.open_memmap(beside, mode="w+", dtype=np.float16, shape=shape)
        with ThreadPoolExecutor(1) as writer:
            written = writer.submit(_write, array, slices[0], first)
            for some in tqdm(slices[1:], path.stem):
                made = make(some)
                written.result()
                written = writer.submit(_write, array, some, made)
            written.result()
        beside.replace(path)
    return np.load(path, mmap_mode="r")


def _write(array: np.ndarray[Any, np.dtype[np.float16]], where: slice, values: Tensor) -> None:
    array[where] = values.half().cpu().numpy()


def _latents(pixels: Array, frozen: Frozen, machine: Machine) -> Tensor:
    images = as_images(machine.store.send(torch.from_numpy(pixels.copy())))
    with machine.autocast():
        latents = frozen.vae.encode(images).mean * frozen.vae.config.scaling_factor
    return latents.float()


def _texts(captions: list[list[str]], frozen: Frozen, machine: Machine) -> Tensor:
    flat = [one for row in captions for one in row]
    with machine.autocast():
        states = encode(frozen.text, frozen.tokenizer, flat).tensor  # [B·captions, 77, D]
    return states.float().unflatten(0, (len(captions), -1))


def _stratified(size: int, rng: torch.Generator) -> Tensor:
    """Timesteps [B] spread evenly over 0…999, one in each of B equal intervals: less noise in the gradient."""
    return ((torch.arange(size) + torch.rand(size, generator=rng)) / size * 1000).floor().clamp(max=999)
