"""Training the U-Net on cached latents and text states: predict the noise that was added (Ho et al. 2020, eq. 14).

With min-SNR weights (Hang et al. 2023), stratified timesteps, and a tenth of the captions left empty so that
classifier-free guidance has something to guide away from (Ho and Salimans 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from garasu.diffusion.denoiser import Denoiser
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
from garasu.training.buckets import Size
from garasu.training.data import Pictures, step_rng
from garasu.training.loop import Part
from garasu.training.machine import Machine
from garasu.training.sheets import tile

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
        """Latents, text states, noise and timesteps of one step."""
        rng = step_rng(self.seed, step, machine.rank)
        shares = torch.tensor([len(one.latents) for one in self.cached], dtype=torch.float)
        bucket = self.cached[int(torch.multinomial(shares, 1, generator=rng))]
        picks = torch.randint(len(bucket.latents), (size,), generator=rng).tolist()
        which = torch.randint(bucket.texts.shape[1], (size,), generator=rng).tolist()
        latents = torch.from_numpy(np.stack([bucket.latents[i] for i in picks])).float()
        texts = torch.from_numpy(np.stack([bucket.texts[i, w] for i, w in zip(picks, which, strict=True)])).float()
        empty = torch.rand(size, generator=rng) < EMPTY_SHARE
        batch = {
            "latents": latents,
            "texts": torch.where(empty[:, None, None], self.frozen.empty.cpu(), texts),
            "noise": torch.randn(latents.shape, generator=rng),
        }
        t = _stratified(size, rng)  # stays on the CPU, where the schedule is: no synchronisation
        return {name: value.to(machine.device) for name, value in batch.items()} | {"t": t}

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Weighted squared error of ε."""
        inputs = (batch["latents"], batch["texts"], batch["noise"], batch["t"])
        loss = self.denoiser.loss(*inputs, min_snr=MIN_SNR).mean()
        return {"loss": loss}

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
def cache(pictures: Pictures, frozen: Frozen, folder: Path, machine: Machine, rows: int = 128) -> list[Cached]:
    """Encode every picture and caption once, into memory-mapped files in ``folder`` (or open those there)."""
    return [
        Cached(
            _array(folder / f"latents-{_name(bucket.size)}.npy", len(bucket.captions), rows, bucket.size,
                   lambda s, bucket=bucket: _latents(bucket.images(range(s.start, s.stop)), frozen, machine)),
            _array(folder / f"texts-{_name(bucket.size)}.npy", len(bucket.captions), rows, bucket.size,
                   lambda s, bucket=bucket: _texts(bucket.captions[s], frozen, machine)),
        )
        for bucket in pictures.buckets
    ]  # fmt: skip


def _name(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def _array(path: Path, count: int, rows: int, size: Size, make: Any) -> np.ndarray[Any, np.dtype[np.float16]]:
    """The array at ``path``, made a slice at a time beside it and renamed when it is whole."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".part")
        array = None
        for start in tqdm(range(0, count, rows), path.stem):
            part = make(slice(start, min(start + rows, count))).cpu().numpy().astype(np.float16)
            if array is None:
                shape = (count, *part.shape[1:])
                array = np.lib.format.open_memmap(beside, mode="w+", dtype=np.float16, shape=shape)
            array[start : start + len(part)] = part
        assert array is not None
        array.flush()
        beside.replace(path)
    return np.load(path, mmap_mode="r")


def _latents(images: Tensor, frozen: Frozen, machine: Machine) -> Tensor:
    with machine.autocast():
        latents = frozen.vae.encode(images.to(machine.device)).mean * frozen.vae.config.scaling_factor
    return latents.float()


def _texts(captions: list[list[str]], frozen: Frozen, machine: Machine) -> Tensor:
    flat = [one for row in captions for one in row]
    with machine.autocast():
        states = encode(frozen.text, frozen.tokenizer, flat).tensor  # [B·captions, 77, D]
    return states.float().unflatten(0, (len(captions), -1))


def _stratified(size: int, rng: torch.Generator) -> Tensor:
    """Timesteps [B] spread evenly over 0…999, one in each of B equal intervals: less noise in the gradient."""
    return ((torch.arange(size) + torch.rand(size, generator=rng)) / size * 1000).floor().clamp(max=999)
