"""Base training: a small Stable Diffusion from scratch, part by part, in the order in which the parts need each other.

A run folder holds everything: ``pictures/``, ``tokenizer/``, one folder a part (state, log, sheets), the caches that
the U-Net reads, and at the end ``model/``, a diffusers-layout folder like any other checkpoint.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from garasu.networks.clip_text import CLIPText
from garasu.networks.clip_vision import CLIPVision
from garasu.networks.vae import VAE
from garasu.prompts.tokenizer import Tokenizer
from garasu.training.data import Pictures, draw_world, open_pictures, read_captioned
from garasu.training.export import write_model
from garasu.training.loop import Habits, LoopSettings, Part, TrainingError, fit
from garasu.training.machine import Machine
from garasu.training.parts.clip import CLIPPart
from garasu.training.parts.unet import Cached, Frozen, UNetPart, cache, freeze
from garasu.training.parts.vae import DecoderPart, VAEPart, whiten
from garasu.training.recipes import RECIPES, BaseRecipe
from garasu.training.tokenizer import english_text, train_tokenizer

PartName = Literal["vae", "clip", "decoder", "unet", "all"]


def train_base(
    out: Path,
    *,
    part: PartName = "all",
    recipe: str = "cpu",
    data: Path | None = None,
    device: str = "auto",
    steps: int | None = None,
    habits: Habits | None = None,
) -> None:
    """Train one part or all of them into the run folder ``out``; call again after a kill to go on.

    Args:
        out: run folder, made if it is not there.
        part: "vae" and "clip" stand alone; "decoder" (more training for the VAE's decoder alone) and "unet" need both
            finished; "all" makes them in turn.
        recipe: a name in ``RECIPES``.
        data: captioned folder to train on; without one the world is drawn.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        steps: instead of the recipe's number (of each part named).
        habits: how often to save, log and draw sheets.

    Raises:
        TrainingError: unknown recipe, a part that is needed first, or a run with other settings in ``out``.
    """
    if recipe not in RECIPES:
        raise TrainingError(f"No recipe is called {recipe!r}; there are {', '.join(RECIPES)}.")
    run = BaseRun(out, RECIPES[recipe], Machine(device), steps, habits or Habits())
    run.prepare(data)
    makers = {
        "vae": run.train_vae,
        "clip": run.train_clip,
        "decoder": run.train_decoder,
        "unet": run.train_unet,
    }
    for name in makers if part == "all" else (part,):
        makers[name]()


class BaseRun:
    """A run folder with its recipe and machine."""

    def __init__(self, out: Path, recipe: BaseRecipe, machine: Machine, steps: int | None, habits: Habits) -> None:
        self.out, self.recipe, self.machine, self.steps, self.habits = out, recipe, machine, steps, habits

    def prepare(self, data: Path | None) -> None:
        """Draw or read the pictures and train the tokenizer, once, in the first process."""
        pictures = self.out / "pictures"
        if self.machine.first and not (self.out / "tokenizer").exists():
            recipe = self.recipe
            shapes = dict(recipe.shapes)
            if data is None:
                found = draw_world(pictures, recipe.pictures, shapes, recipe.captions, recipe.seed)
            else:
                found = read_captioned(data, pictures, shapes)
            captions = [one for bucket in found.buckets for row in bucket.captions for one in row]
            beside = self.out / "tokenizer.part"
            texts = [*captions, *english_text()] if recipe.english else captions
            train_tokenizer(texts, recipe.vocabulary).save(beside)
            beside.rename(self.out / "tokenizer")
        self.machine.wait()

    @property
    def pictures(self) -> Pictures:
        """The training set."""
        return open_pictures(self.out / "pictures")

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer trained on the captions."""
        return Tokenizer.from_folder(self.out / "tokenizer")

    def train_vae(self) -> None:
        """The VAE; at the end its latents are made exactly white."""
        settings = self._settings(self.recipe.train_vae)
        pictures = self.pictures
        torch.manual_seed(self.recipe.seed)
        part = VAEPart(self.recipe.vae, pictures, settings.steps, self.recipe.seed)
        self._fit(part, settings)
        bucket = pictures.buckets[0]
        with torch.no_grad():
            images = bucket.images(range(min(256, len(bucket.captions)))).to(self.machine.device)
            whiten(part.vae, torch.cat([part.vae.encode(some).mean for some in images.split(16)]))
        self._finish("vae", part.vae)

    def train_clip(self) -> None:
        """Both CLIP towers."""
        settings = self._settings(self.recipe.train_clip)
        torch.manual_seed(self.recipe.seed)
        tokenizer = self.tokenizer
        text = replace(self.recipe.text, vocab_size=tokenizer.vocab_size)
        part = CLIPPart(text, self.recipe.vision, tokenizer, self.pictures, self.recipe.seed)
        self._fit(part, settings)
        self._finish("clip", nn.ModuleDict({"text": part.text, "vision": part.vision}))

    def train_decoder(self) -> None:
        """The VAE's decoder, further, on cached latents."""
        settings = self._settings(self.recipe.train_decoder)
        vae, text, _ = self.finished()
        cached = self._cached(freeze(vae, text, self.tokenizer, self.machine.device))
        vae.requires_grad_(True)
        part = DecoderPart(vae, self.pictures, [one.latents for one in cached], self.recipe.seed)
        self._fit(part, settings)
        self._finish("decoder", part.vae)

    def train_unet(self) -> None:
        """The U-Net, on latents and text states cached once; then the whole model is written."""
        settings = self._settings(self.recipe.train_unet)
        vae, text, vision = self.finished()
        frozen = freeze(vae, text, self.tokenizer, self.machine.device)
        cached = self._cached(frozen)
        torch.manual_seed(self.recipe.seed)
        part = UNetPart(self.recipe.unet, frozen, cached, self.recipe.seed)
        self._fit(part, settings)
        self._finish("unet", part.unet)
        if self.machine.first:
            write_model(self.out / "model", part.unet, self._best_vae(vae), text, vision, self.tokenizer)

    def finished(self) -> tuple[VAE, CLIPText, CLIPVision]:
        """The VAE and the CLIP towers that this run has made.

        Raises:
            TrainingError: one of them is not there yet.
        """
        vae, tokenizer = VAE(self.recipe.vae), self.tokenizer
        text = CLIPText(replace(self.recipe.text, vocab_size=tokenizer.vocab_size))
        vision = CLIPVision(self.recipe.vision)
        for name, network in (("vae", vae), ("clip", nn.ModuleDict({"text": text, "vision": vision}))):
            weights = self.out / name / "weights.safetensors"
            if not weights.exists():
                raise TrainingError(f"The U-Net needs a finished {name}; train it first with --part {name}.")
            network.load_state_dict(load_file(weights))
        return vae, text, vision

    def _best_vae(self, vae: VAE) -> VAE:
        """The VAE with the decoder that had the most training."""
        weights = self.out / "decoder" / "weights.safetensors"
        if weights.exists():
            vae.load_state_dict(load_file(weights))
        return vae

    def _cached(self, frozen: Frozen) -> list[Cached]:
        """Latents and text states of all pictures, made once, by the first process."""
        if self.machine.first:
            cache(self.pictures, frozen, self.out / "cache", self.machine)
        self.machine.wait()
        return cache(self.pictures, frozen, self.out / "cache", self.machine)

    def _settings(self, settings: LoopSettings) -> LoopSettings:
        return settings if self.steps is None else replace(settings, steps=self.steps)

    def _fit(self, part: Part, settings: LoopSettings) -> None:
        fit(part, self.out / part.name, settings, self.machine, self.habits)

    def _finish(self, name: str, network: nn.Module) -> None:
        """Keep a finished network's weights, float32."""
        if self.machine.first:
            beside = self.out / name / "weights.part"
            save_file({key: value.contiguous().cpu() for key, value in network.state_dict().items()}, beside)
            beside.rename(self.out / name / "weights.safetensors")
        self.machine.wait()
