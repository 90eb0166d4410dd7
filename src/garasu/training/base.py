"""Base training: a small Stable Diffusion from scratch, part by part, in the order in which the parts need each other.

A run folder holds everything: ``pictures/``, ``tokenizer/``, one folder a part (state, log, sheets; of a VAE also
``model/``, the VAE alone), the caches that the U-Net reads, and at the end ``model/``, a diffusers-layout folder like
any other checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from garasu.checkpoints import read_vae, write_vae
from garasu.model import StableDiffusion
from garasu.networks.clip_text import CLIPText
from garasu.networks.clip_vision import CLIPVision
from garasu.networks.vae import VAE
from garasu.prompts.tokenizer import Tokenizer
from garasu.training.data import Pictures, draw_world, open_pictures, read_captioned
from garasu.training.export import SECOND_VAE, write_model
from garasu.training.history import Run, joined, read_history, record_of, write_history
from garasu.training.loop import Habits, LoopSettings, Part, TrainingError, fit
from garasu.training.machine import Machine
from garasu.training.parts.clip import CLIPPart
from garasu.training.parts.faces import FacesPart
from garasu.training.parts.perceptual import Perceptual
from garasu.training.parts.unet import Cached, Frozen, UNetPart, cache, freeze
from garasu.training.parts.vae import DecoderPart, VAEPart, whiten
from garasu.training.recipes import RECIPES, BaseRecipe
from garasu.training.start import keep_to_one_start, read_start, sized_like
from garasu.training.tokenizer import english_text, train_tokenizer

PartName = Literal["clip", "vae", "decoder", "unet", "faces", "all"]
VAE_PARTS = ("vae", "decoder", "faces")
PARTS = ("clip", *VAE_PARTS[:2], "unet", "faces")


def train_base(
    out: Path,
    *,
    part: PartName = "all",
    recipe: str = "cpu",
    start: str | Path | None = None,
    vae: str | Path | None = None,
    data: Path | None = None,
    device: str = "auto",
    steps: int | None = None,
    compiled: bool = False,
    habits: Habits | None = None,
) -> None:
    """Train one part or all of them into the run folder ``out``; call again after a kill to go on.

    Args:
        out: run folder, made if it is not there.
        part: "vae" and "clip" stand alone (where the recipe has a perceptual term, the VAE needs CLIP); "decoder"
            (more training for the VAE's decoder alone), "unet" and "faces" (a second VAE, for faces) need both
            finished; "all" makes them in turn.
        recipe: a name in ``RECIPES``.
        start: a model to go on from, as ``garasu.load`` takes it, or "bundled"; its tokenizer and the sizes of its
            parts take the place of the recipe's, and what is not trained stays as it is. None: from scratch.
        vae: the VAE to go on from in place of that model's own.
        data: captioned folder to train on; without one the world is drawn.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        steps: instead of the recipe's number (of each part named).
        compiled: compile the networks first (``torch.compile``).
        habits: how often to save, log and draw sheets.

    Raises:
        TrainingError: unknown recipe, a part that is needed first, a VAE without a model to start from, or a run with
            other settings or from another model in ``out``.
        CheckpointError: ``start`` cannot be read.
    """
    if recipe not in RECIPES:
        raise TrainingError(f"No recipe is called {recipe!r}; there are {', '.join(RECIPES)}.")
    if vae is not None and start is None:
        raise TrainingError("A VAE to go on from needs a model to go on from as well; name it with --from.")
    begun = None if start is None else read_start(start, vae)
    run = BaseRun(out, RECIPES[recipe], Machine(device, compiled=compiled), steps, habits or Habits(), begun)
    run.prepare(data)
    makers = {
        "clip": run.train_clip,
        "vae": run.train_vae,
        "decoder": run.train_decoder,
        "unet": run.train_unet,
        "faces": run.train_faces,
    }
    for name in makers if part == "all" else (part,):
        if name != part and name == "faces" and not run.pictures.have_faces:
            continue
        makers[name]()


class BaseRun:
    """A run folder with its recipe and machine."""

    def __init__(  # noqa: PLR0917
        self,
        out: Path,
        recipe: BaseRecipe,
        machine: Machine,
        steps: int | None,
        habits: Habits,
        start: StableDiffusion | None = None,
    ) -> None:
        self.out, self.machine, self.steps, self.habits = out, machine, steps, habits
        self.start = start
        self.recipe = recipe if start is None else sized_like(recipe, start)

    def prepare(self, data: Path | None) -> None:
        """Draw or read the pictures and train the tokenizer, once, in the first process."""
        keep_to_one_start(self.out, self.start)
        pictures = self.out / "pictures"
        if self.machine.first and not (self.out / "tokenizer").exists():
            recipe = self.recipe
            shapes = dict(recipe.shapes)
            if data is None:
                found = draw_world(pictures, recipe.pictures, shapes, recipe.captions, recipe.seed)
            else:
                found = read_captioned(data, pictures, shapes)
            beside = self.out / "tokenizer.part"
            self._make_tokenizer(found).save(beside)
            beside.rename(self.out / "tokenizer")
        self.machine.wait()

    def _make_tokenizer(self, pictures: Pictures) -> Tokenizer:
        if self.start is not None:
            return self.start.tokenizer
        captions = [one for bucket in pictures.buckets for row in bucket.captions for one in row]
        texts = [*captions, *english_text()] if self.recipe.english else captions
        return train_tokenizer(texts, self.recipe.vocabulary)

    @cached_property
    def pictures(self) -> Pictures:
        """The training set, once it is prepared."""
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
        start = None if self.start is None else self.start.vae
        part = VAEPart(self.recipe.vae, pictures, settings.steps, self.recipe.seed, start, self._perceptual())
        self._fit(part, settings)
        bucket = pictures.buckets[0]
        with torch.no_grad():
            images = bucket.images(range(min(256, len(bucket.captions)))).to(self.machine.device)
            whiten(part.vae, torch.cat([part.vae.encode(some).mean for some in images.split(16)]))
        self._finish_vae("vae", part.vae)

    def train_clip(self) -> None:
        """Both CLIP towers."""
        settings = self._settings(self.recipe.train_clip)
        torch.manual_seed(self.recipe.seed)
        tokenizer = self.tokenizer
        text = replace(self.recipe.text, vocab_size=tokenizer.vocab_size)
        part = CLIPPart(text, self.recipe.vision, tokenizer, self.pictures, self.recipe.seed)
        if self.start is not None and self.start.image_encoder is not None:
            part.text.load_state_dict(self.start.text_encoder.state_dict())
            part.vision.load_state_dict(self.start.image_encoder.state_dict())
        self._fit(part, settings)
        self._finish("clip", nn.ModuleDict({"text": part.text, "vision": part.vision}))

    def train_decoder(self) -> None:
        """The VAE's decoder, further, on cached latents."""
        settings = self._settings(self.recipe.train_decoder)
        vae, text, _ = self.finished()
        cached = self._cached(freeze(vae, text, self.tokenizer, self.machine.device))
        vae.requires_grad_(True)
        latents = [one.latents for one in cached]
        part = DecoderPart(vae, self.pictures, latents, self.recipe.seed, self._perceptual())
        self._fit(part, settings)
        self._finish_vae("decoder", part.vae)

    def train_faces(self) -> None:
        """A second VAE with the same latents, whose decoder is trained further on faces."""
        settings = self._settings(self.recipe.train_faces)
        vae, text, _ = self.finished()
        latents = [one.latents for one in self._cached(freeze(vae, text, self.tokenizer, self.machine.device))]
        part = FacesPart(self._best_vae(vae).requires_grad_(True), self.pictures, latents, self.recipe.seed)
        self._fit(part, settings)
        self._finish_vae("faces", part.vae)
        self._write_second_vae()

    def train_unet(self) -> None:
        """The U-Net, on latents and text states cached once; then the whole model is written."""
        settings = self._settings(self.recipe.train_unet)
        vae, text, vision = self.finished()
        frozen = freeze(vae, text, self.tokenizer, self.machine.device)
        cached = self._cached(frozen)
        torch.manual_seed(self.recipe.seed)
        part = UNetPart(self.recipe.unet, frozen, cached, self.recipe.seed)
        if self.start is not None:
            part.unet.load_state_dict(self.start.unet.state_dict())
        self._fit(part, settings)
        self._finish("unet", part.unet)
        if self.machine.first:
            write_model(self.out / "model", part.unet, self._best_vae(vae), text, vision, self.tokenizer)
        self._write_second_vae()

    def finished(self) -> tuple[VAE, CLIPText, CLIPVision]:
        """The VAE and the CLIP towers that this run has made, or else those of the model that it started from.

        Raises:
            TrainingError: one of them is not there yet.
        """
        vae = VAE(self.recipe.vae) if self.start is None else self.start.vae
        self._fill("vae", vae)
        return vae, *self._towers()

    def _towers(self) -> tuple[CLIPText, CLIPVision]:
        if self.start is None:
            text = CLIPText(replace(self.recipe.text, vocab_size=self.tokenizer.vocab_size))
            vision = CLIPVision(self.recipe.vision)
        else:
            text, vision = self.start.text_encoder, self.start.image_encoder or CLIPVision(self.recipe.vision)
        self._fill("clip", nn.ModuleDict({"text": text, "vision": vision}))
        return text, vision

    def _fill(self, part: str, network: nn.Module) -> None:
        """Load what this run has made of a part."""
        weights = self.out / part / "weights.safetensors"
        if weights.exists():
            network.load_state_dict(load_file(weights))
        elif self.start is None:
            raise TrainingError(f"This part needs a finished {part}; train it first with --part {part}.")

    def _perceptual(self) -> Perceptual | None:
        return Perceptual(self._towers()[1], self.recipe.perceptual) if self.recipe.perceptual else None

    def _best_vae(self, vae: VAE) -> VAE:
        """The VAE with the decoder that had the most training."""
        weights = self.out / "decoder" / "weights.safetensors"
        if weights.exists():
            vae.load_state_dict(load_file(weights))
        return vae

    def _write_second_vae(self) -> None:
        """Put the VAE for faces into the model's folder, once both are there, and tell what the model went through."""
        second, model = self.out / "faces" / "model", self.out / "model"
        if not self.machine.first or not model.exists():
            return
        if second.exists():
            write_vae(read_vae(second), model / SECOND_VAE)
        write_history(model, self._history(PARTS))

    def _history(self, parts: Iterable[str]) -> list[Run]:
        """The runs that this one went on from, and this one as far as it made ``parts``."""
        before = [] if self.start is None else [self.start.checkpoint.source, self.start.checkpoint.vae_source]
        now = record_of(self.out, parts, self.machine.device, fresh=self.start is None)
        return joined(*map(read_history, before), [now])

    def _cached(self, frozen: Frozen) -> list[Cached]:
        """Latents and text states of all pictures, made once, by the first process."""
        if self.machine.first:
            cache(self.pictures, frozen, self.out / "cache", self.machine)
        self.machine.wait()
        return cache(self.pictures, frozen, self.out / "cache", self.machine)

    def _settings(self, settings: LoopSettings) -> LoopSettings:
        return settings if self.steps is None else replace(settings, steps=self.steps)

    def _fit(self, part: Part, settings: LoopSettings) -> None:
        try:
            fit(part, self.out / part.name, settings, self.machine, self.habits)
        finally:
            self.machine.store.release()

    def _finish_vae(self, name: str, vae: VAE) -> None:
        """Keep a finished VAE's weights, and beside them the VAE as others load it."""
        self._finish(name, vae)
        if self.machine.first:
            folder = self.out / name / "model"
            write_vae(vae, folder, dtype=torch.float16)
            write_history(folder, self._history(VAE_PARTS))

    def _finish(self, name: str, network: nn.Module) -> None:
        """Keep a finished network's weights, float32."""
        if self.machine.first:
            beside = self.out / name / "weights.part"
            save_file({key: value.contiguous().cpu() for key, value in network.state_dict().items()}, beside)
            beside.rename(self.out / name / "weights.safetensors")
        self.machine.wait()
