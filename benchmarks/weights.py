"""Random weights in exact shapes, written once as a diffusers folder outside the repository. Nothing is downloaded.

Speed does not depend on the values, so every subject measures the same made-up model. Its vocabulary is a small one,
which needs no CLIP files: the text encoder computes 77 tokens whatever they are.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from garasu.checkpoints import Checkpoint, write_folder
from garasu.model import BUNDLED
from garasu.networks.clip_text import CLIPText, CLIPTextConfig
from garasu.networks.unet import UNet, UNetConfig
from garasu.networks.vae import VAE, VAEConfig
from garasu.prompts.tokenizer import Tokenizer
from garasu.prompts.vocabulary import Vocabulary

MERGES = [("c", "a"), ("ca", "t</w>"), ("b", "l"), ("bl", "a"), ("bla", "c"), ("blac", "k</w>")]


@dataclass(frozen=True)
class Size:
    """A model to measure: its sides in latent and in picture pixels, and how long its pictures are walked."""

    name: str
    what: str
    latent: int  # native side of the latent
    factor: int = 8  # picture pixels to a latent pixel
    width: int = 768  # of the conditioning
    vocabulary: int = 49408
    steps: int = 50  # of a usual picture

    @property
    def pixels(self) -> int:
        """Native side of the picture."""
        return self.latent * self.factor


SIZES = {
    "sd15": Size("sd15", "Stable Diffusion 1.5 with random weights", latent=64),
    "bundled": Size("bundled", "garasu's bundled model", latent=16, width=256, vocabulary=788, steps=25),
    "toy": Size("toy", "a toy with random weights, for tests", latent=8, width=32, vocabulary=600, steps=3),
}


def cache_folder() -> Path:
    """Where the weights and what peers convert them to are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "garasu" / "benchmarks"


def folder(size: Size, cache: Path) -> Path:
    """The model's diffusers folder, written on the first call: float16, 2.1 GB for sd15."""
    if size.name == "bundled":
        return BUNDLED
    path = cache / size.name
    if not (path / "model_index.json").is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_folder(build(size), path, dtype=torch.float16)
    return path


def converted(cache: Path, size: str) -> Path:
    """Where OpenVINO's form of a model is: its networks, and conversion.json, written last, with the seconds."""
    return cache / f"{size}-openvino"


def build(size: Size) -> Checkpoint:
    """The model in memory, float32, from a fixed seed."""
    tokenizer = Tokenizer(Vocabulary.from_merges(MERGES))
    unet, vae, text = _toy(size) if size.name == "toy" else (UNetConfig(), VAEConfig(), CLIPTextConfig())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Checkpoint(
            unet=UNet(unet), vae=VAE(vae), text_encoder=CLIPText(text), tokenizer=tokenizer, name=size.name
        )


def _toy(size: Size) -> tuple[UNetConfig, VAEConfig, CLIPTextConfig]:
    """The same anatomy in small."""
    unet = UNetConfig(
        channels=(16, 32, 32),
        layers=1,
        attention=(True, True, False),
        heads=(2, 2, 2),
        context_width=size.width,
        groups=8,
        sample_size=size.latent,
    )
    text = CLIPTextConfig(vocab_size=size.vocabulary, width=size.width, layers=2, heads=2, mlp_width=64)
    return unet, VAEConfig(channels=(8, 8, 16, 16), layers=1, groups=8), text
