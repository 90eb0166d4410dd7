"""A model by its name, ready to compute on this machine."""

from __future__ import annotations

from pathlib import Path

import torch

from garasu.checkpoints import read
from garasu.engine import choose
from garasu.hardware import choose_device, choose_dtype
from garasu.model.stable_diffusion import StableDiffusion

BUNDLED = Path(__file__).parents[1] / "bundled"
SECOND_VAE = "bundled:faces"  # the bundled model's other VAE, whose decoder was trained further on faces


def load(
    model: str | Path | None = None,
    *,
    vae: str | Path | None = None,
    device: str | torch.device = "auto",
    dtype: str | torch.dtype = "auto",
    engine: str = "auto",
    compile: bool = False,
    low_memory: bool = False,
) -> StableDiffusion:
    """A model from a file, a folder or a hub id; the bundled one when none is named, or by its name "bundled".

    `vae` takes the VAE from elsewhere: the same kinds of names, or "bundled:faces". "auto" is the
    fastest device here, and the fastest number format that is safe on it.

    `engine` is "auto", what makes this machine fast without changing results beyond rounding; "plain",
    the networks as they are written; or "auto-attention-linear", auto without these parts. On CUDA
    `compile` lets torch.compile make kernels for each size (a minute or more at first use), and
    `low_memory` keeps only the computing network on the GPU. Raises CheckpointError for what cannot be
    read, HardwareError for a device or dtype that does not work here, EngineError for an engine.
    """
    device = choose_device(device)
    dtype = choose_dtype(dtype, device)
    chosen = choose(engine, device, dtype, compile=compile, low_memory=low_memory)
    model = "bundled" if model is None else model
    checkpoint = read(
        _place(model),
        vae=None if vae is None else _place(vae),
        dtype=dtype,
        device="cpu" if low_memory else device,
        layout=torch.channels_last if chosen.has("channels_last") else torch.contiguous_format,
    )
    sd = StableDiffusion(checkpoint, name=_public_name(model), vae_name="" if vae is None else _public_name(vae))
    sd.run_by(chosen, device)
    return sd


def _place(source: str | Path) -> str | Path:
    """Where to read from: names of ours become folders."""
    return {"bundled": BUNDLED, SECOND_VAE: BUNDLED / "vae_faces"}.get(str(source), source)


def _public_name(source: str | Path) -> str:
    """Ours and a hub id as they are, and of a path the last part: its folders tell too much about their owner."""
    if str(source) in ("bundled", SECOND_VAE):
        return str(source)
    return Path(source).resolve().name if Path(source).exists() else str(source)
