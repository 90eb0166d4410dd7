"""garasu, through its public functions."""

from collections.abc import Callable
from functools import cached_property

import torch
from PIL import Image

import garasu
from benchmarks import inputs
from benchmarks.subjects import PROMPT, Setup
from garasu.engine import PLAIN, own_process


class Engine:
    """Our networks in one of their settings."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        if setup.options.get("engine") != PLAIN:
            own_process()  # as the command line does

    @cached_property
    def sd(self) -> garasu.StableDiffusion:
        """The model, loaded on first use."""
        return garasu.load(self.setup.folder, device=self.setup.device, **self.setup.options)

    def load(self) -> None:
        """Read the checkpoint."""
        _ = self.sd

    def step(self, rows: int, height: int, width: int) -> Callable[[], object]:
        """The U-Net, as the engine runs it."""
        x = inputs.normal(rows, 4, height, width).to(self.sd.device, self.sd.dtype)
        words = inputs.normal(rows, 77, self.setup.size.width).to(x)
        t = torch.full((rows,), inputs.TIMESTEP, device=x.device)
        return lambda: self.sd.denoiser.network(x, t, words)

    def encode(self, side: int) -> Callable[[], object]:
        """The VAE's encoder."""
        picture = inputs.picture(side).to(self.sd.device, self.sd.dtype)
        return lambda: self.sd.vae.encode(picture).mean

    def decode(self, side: int) -> Callable[[], object]:
        """The VAE's decoder."""
        latent = inputs.normal(1, 4, side, side).to(self.sd.device, self.sd.dtype)
        return lambda: self.sd.vae.decode(latent)

    def text(self) -> Callable[[], object]:
        """The text encoder."""
        ids = inputs.token_ids(self.setup.size).to(self.sd.device)
        return lambda: self.sd.text_encoder(ids)

    def pictures(
        self, *, steps: int, count: int, pixels: int, tokens: int, lap: Callable[[str], None]
    ) -> list[Image.Image]:
        """A batch of `count` seeds; more than 77 tokens are the prompt again and again."""
        sd = self.sd
        words, nothing = (
            sd.encode(prompt).tensor.repeat(1, -(-tokens // 77), 1)[:, :tokens].expand(count, -1, -1)
            for prompt in (PROMPT, "")
        )
        lap("text")
        *_, last = sd.sample(
            words, negative=nothing, sampler="ddim", steps=steps, seed=list(range(count)), width=pixels, height=pixels
        )
        lap("steps")
        pictures = sd.decode_each(last.latent)
        lap("decode")
        return pictures
