"""A checkpoint that was read: its networks, and everything that is needed to use it and to write it back."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from garasu.checkpoints.betas import Betas
from garasu.checkpoints.files import sha256
from garasu.checkpoints.source import Prediction
from garasu.diffusion.schedule import Schedule
from garasu.images.feature_extractor import FeatureExtractor
from garasu.networks.clip_text import CLIPText
from garasu.networks.clip_vision import CLIPVision
from garasu.networks.safety import SafetyChecker
from garasu.networks.unet import UNet
from garasu.networks.vae import VAE
from garasu.prompts.tokenizer import Tokenizer


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The parts of a Stable Diffusion."""

    unet: UNet
    vae: VAE
    text_encoder: CLIPText
    tokenizer: Tokenizer
    image_encoder: CLIPVision | None = None  # the other half of CLIP; Stable Diffusion itself has no need of it
    safety_checker: SafetyChecker | None = None
    feature_extractor: FeatureExtractor = field(default_factory=FeatureExtractor)  # for the safety checker
    prediction: Prediction = "epsilon"
    betas: Betas = field(default_factory=Betas)
    name: str = "model"
    source: Path | None = None  # where it was read from; None: made in memory
    vae_source: Path | None = None  # where its VAE was read from, if elsewhere
    files: tuple[Path, ...] = ()  # the files of weights that decide a picture: all but the safety checker's

    @cached_property
    def schedule(self) -> Schedule:
        """The noise levels that it was trained on."""
        return self.betas.schedule()

    @cached_property
    def hash(self) -> str | None:
        """SHA-256 of its file (of a folder: of its files of weights in order), 64 digits; None without files.

        The first 10 digits of a single file's are the "Model hash" that AUTOMATIC1111's web UI shows. Reads the
        whole file, so it takes seconds for a full-size checkpoint the first time it is asked for.
        """
        return sha256(self.files) if self.files else None
