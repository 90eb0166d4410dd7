"""From trained networks to a checkpoint folder like any other."""

from __future__ import annotations

from pathlib import Path

import torch

from garasu.checkpoints import Checkpoint, write_folder
from garasu.networks.clip_text import CLIPText
from garasu.networks.clip_vision import CLIPVision
from garasu.networks.unet import UNet
from garasu.networks.vae import VAE
from garasu.prompts.tokenizer import Tokenizer

SECOND_VAE = "vae_faces"  # folder of a VAE for faces beside the model's own
MOST_BYTES = 15 << 20  # of one file of weights: no file of a repository should be larger than 16 MB


def write_model(  # noqa: PLR0917  (they are the parts of a model, each of its own type)
    folder: Path, unet: UNet, vae: VAE, text: CLIPText, vision: CLIPVision | None, tokenizer: Tokenizer
) -> None:
    """Write a model in diffusers' layout and float16, which ``garasu.load`` and diffusers' pipeline read.

    The schedule is Stable Diffusion's: every model trained here learns ε on it.

    Raises:
        CheckpointError: ``folder`` holds something that is no checkpoint.
    """
    checkpoint = Checkpoint(
        unet=unet, vae=vae, text_encoder=text, tokenizer=tokenizer, image_encoder=vision, name=folder.name
    )
    write_folder(checkpoint, folder, dtype=torch.float16, max_shard_bytes=MOST_BYTES)
