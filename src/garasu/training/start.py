"""The model that a run goes on from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from garasu.model import StableDiffusion, load
from garasu.training.loop import TrainingError
from garasu.training.recipes import BaseRecipe


def read_start(start: str | Path, vae: str | Path | None = None) -> StableDiffusion:
    """The model that a run goes on from, in float32, its networks as they are written."""
    return load(start, vae=vae, device="cpu", dtype="float32", engine="plain")


def sized_like(recipe: BaseRecipe, start: StableDiffusion) -> BaseRecipe:
    """The recipe with the sizes of the model's networks in place of its own."""
    vision = start.image_encoder
    return replace(
        recipe,
        vae=start.vae.config,
        text=start.text_encoder.config,
        vision=recipe.vision if vision is None else vision.config,
        unet=start.unet.config,
    )


def keep_to_one_start(out: Path, start: StableDiffusion | None) -> None:
    """Write down in the run folder which model it went on from; refuse another one."""
    note = out / "start.json"
    named = {} if start is None else {"name": start.name, "hash": start.checkpoint.hash, "vae": start.vae_name}
    known = json.loads(note.read_text()) if note.exists() else {}
    if not known and named and not (out / "tokenizer").exists():
        out.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(named) + "\n")
    elif any(known.get(key, "") != named.get(key, "") for key in ("hash", "vae")):
        vae = f" with the VAE {known['vae']}" if known.get("vae") else ""
        was = f"from {known['name']} ({known['hash']}){vae}" if known else "from scratch"
        raise TrainingError(f"The run in {out} began {was}; begin the same way, or name another folder.")
