"""A Stable Diffusion model: words in, a latent walked down the noise levels, a picture out.

words = sd.encode("a black cat")
for step in sd.sample(words, seed=7):
    ...                                  # step.x0 is what it believes now; edit step.latent if you like
picture = sd.decode(step.latent)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import torch
from PIL import Image
from torch import Tensor, nn

from garasu.checkpoints import Checkpoint
from garasu.diffusion.canvas import Canvas
from garasu.diffusion.denoiser import Denoiser
from garasu.diffusion.noise import Noise, Source
from garasu.diffusion.profiles import find_profile
from garasu.diffusion.reuse import refreshed
from garasu.diffusion.samplers import find_sampler
from garasu.diffusion.schedule import Schedule
from garasu.diffusion.steps import Step, drive, without_gradients
from garasu.engine import Engine, Residence, install, run_by
from garasu.images.convert import Rounding, to_pictures, to_tensor
from garasu.model.denoiser import run_denoiser
from garasu.model.errors import ModelError
from garasu.model.sizes import latent_size, run_size, start_noise
from garasu.networks import any_size
from garasu.networks.deep_cache import DeepCached
from garasu.networks.safety import SafetyReport
from garasu.prompts.conditioning import Conditioning
from garasu.prompts.guidance import Guidance
from garasu.prompts.reader import Reader
from garasu.prompts.rules import ReadingRules
from garasu.prompts.schedule import PromptSchedule, Words

Part = TypeVar("Part", bound=nn.Module)


class StableDiffusion(nn.Module):
    """The networks and the numbers that belong together in one checkpoint.

    Latents are float32, whatever the networks' dtype. Gradients are off in every method here; call the
    networks themselves (`sd.unet`, `sd.denoiser`, …) to have them.
    """

    def __init__(self, checkpoint: Checkpoint, *, name: str | None = None, vae_name: str = "") -> None:
        """`name`, and `vae_name` of a VAE that replaced the checkpoint's own, go into pictures' recipes.

        Raises ModelError for a U-Net that needs more than words: neither 4 nor 9 input channels.
        """
        super().__init__()
        channels = checkpoint.unet.config.in_channels
        if channels not in (4, 9):
            raise ModelError(
                f"a U-Net with {channels} input channels needs a picture besides the words, "
                "which garasu cannot give it: use a model with 4 or 9"
            )
        self.checkpoint = checkpoint
        self.unet = checkpoint.unet
        self.vae = checkpoint.vae
        self.text_encoder = checkpoint.text_encoder
        self.image_encoder = checkpoint.image_encoder
        self.safety_checker = checkpoint.safety_checker
        self.tokenizer = checkpoint.tokenizer
        self.denoiser = Denoiser(checkpoint.unet, checkpoint.schedule, checkpoint.prediction)
        self.name = name or checkpoint.name
        self.vae_name = vae_name
        self.engine = Engine(())
        self.residence: Residence | None = None
        self.eval()

    def run_by(self, engine: Engine, device: torch.device) -> None:
        """Compute by an engine's choices from now on: the same networks and, to rounding, the same results."""
        self.engine = engine
        self.residence = Residence(device) if engine.has("low_memory") else None
        for network in (self.unet, self.vae, self.text_encoder):
            install(network, engine)
        self.denoiser.network = run_by(engine, self.unet, self.residence)

    @property
    def schedule(self) -> Schedule:
        """The noise levels that the U-Net was trained on."""
        return self.denoiser.schedule

    @property
    def native_size(self) -> tuple[int, int]:
        """Width and height in pixels that the model was trained for, and makes when not told otherwise."""
        side = self.unet.config.sample_size * self.vae.config.factor
        return side, side

    @property
    def device(self) -> torch.device:
        """Where the networks compute."""
        return next(self.unet.parameters()).device if self.residence is None else self.residence.device

    @property
    def dtype(self) -> torch.dtype:
        """The number format that the networks compute in."""
        return next(self.unet.parameters()).dtype

    @torch.no_grad()
    def encode(
        self,
        prompts: str | Sequence[str],
        clip_skip: int = 1,
        *,
        clip_skip_norm: bool = True,
        syntax: str = "a1111",
        emphasis: str | None = None,
        max_chunks: int | None = None,
    ) -> Conditioning:
        """Words as the U-Net reads them: `.tensor` [B, 77·n, D], one row for each prompt, yours to edit.

        `n` is how many chunks of 75 tokens the longest prompt needs; the others are padded alike.

        Args:
            prompts: one, or one a row.
            clip_skip: 2 leaves out the last layer, 3 the last two, and so on.
            clip_skip_norm: whether the final normalisation follows the layer taken.
            syntax: how brackets are read: "a1111", "novelai", "comfy", "compel", or "plain", as they are written; or
                "algebra" for expressions of prompts, see `garasu.prompts.expression`.
            emphasis: how weights act, "a1111", "no-norm", "comfy", "compel" or "ignore"; the syntax's own if None.
            max_chunks: cut what does not fit into so many chunks; 1 is plain Stable Diffusion.

        Raises:
            PromptError: a prompt that is not one conditioning (it changes over the steps, or joins parts by AND), an
                unknown name, or a weight or number out of range.
            ExpressionError: an expression that cannot be read or computed.
            ValueError: no prompt; `clip_skip` outside 1..layers.

        Warns:
            PromptCut: a prompt does not fit; the message names the words that were cut.
        """
        return self.reader(ReadingRules(syntax, emphasis, clip_skip, clip_skip_norm, max_chunks)).encode(prompts)

    def prompt_schedule(
        self,
        prompts: str | Sequence[str],
        *,
        composes: bool = True,
        clip_skip: int = 1,
        clip_skip_norm: bool = True,
        syntax: str = "a1111",
        emphasis: str | None = None,
        max_chunks: int | None = None,
    ) -> PromptSchedule:
        """What `sample` is told by prompts, one a row, that may change on the way or have several parts.

        `composes` False reads AND as a word. The rest is as in `encode`.
        """
        rules = ReadingRules(syntax, emphasis, clip_skip, clip_skip_norm, max_chunks)
        return self.reader(rules).schedule(prompts, composes=composes)

    def reader(self, rules: ReadingRules) -> Reader:
        """What `encode` and `prompt_schedule` read prompts with, for those who have the rules in one record."""
        return Reader(lambda: self._ready(self.text_encoder), self.tokenizer, rules)

    @torch.no_grad()
    def encode_image(self, picture: Image.Image | Tensor, seed: int | None = None) -> Tensor:
        """A picture as a latent [B, 4, H/8, W/8] of about unit variance, which `decode` turns back.

        `picture` is PIL, or a tensor [B, 3, H, W] in -1..1. The VAE answers with a distribution:
        without a seed its mean is taken, with one a draw from it. Raises ModelError for a size that
        is no multiple of 8.
        """
        image = to_tensor(picture) if isinstance(picture, Image.Image) else picture
        grid = latent_size(image.shape[-1], image.shape[-2], self.vae.config.factor)
        posterior = any_size.encode(self._ready(self.vae), image.to(self.device, self.dtype))
        latent = posterior.mean.float()
        if seed is not None:
            noise = Noise([seed] * len(image), (latent.shape[1], *grid), self.device)
            latent = latent + posterior.std.float() * noise.draw()
        return latent * self.vae.config.scaling_factor

    def decode(self, latent: Tensor) -> Image.Image | list[Image.Image]:
        """The picture of a finished latent [1, 4, h, w], or a list of pictures for [B, 4, h, w]."""
        pictures = self.decode_each(latent)
        return pictures[0] if len(pictures) == 1 else pictures

    @torch.no_grad()
    def decode_each(self, latent: Tensor, rounding: Rounding = "nearest") -> list[Image.Image]:
        """The pictures of finished latents [B, 4, h, w], one at a time: decoding takes more memory than all else.

        Pictures of more than 1024×1024 pixels are encoded and decoded in tiles; smaller ones where a GPU's memory
        does not suffice.
        """
        unscaled = (latent / self.vae.config.scaling_factor).to(self.device, self.dtype)
        vae = self._ready(self.vae)
        return [one for row in unscaled for one in to_pictures(any_size.decode(vae, row[None]), rounding)]

    @torch.no_grad()
    def check_safety(self, pictures: Sequence[Image.Image]) -> list[SafetyReport]:
        """What the model's safety checker says of each picture, with all its cosines and thresholds.

        Raises ModelError for a model that carries none.
        """
        if self.safety_checker is None:
            raise ModelError(
                "this model carries no safety checker: load a folder that has safety_checker/, or go without"
            )
        pixels = self.checkpoint.feature_extractor(pictures)  # [B, 3, 224, 224]
        return self._ready(self.safety_checker).judge(pixels.to(self.device))

    def _ready(self, network: Part) -> Part:
        """The network, where it computes."""
        if self.residence is not None:
            self.residence.bring(network)
        return network

    def sample(
        self,
        words: Words,
        *,
        negative: Words | None = None,
        sampler: str = "ddim",
        steps: int = 25,
        guidance_scale: float | Sequence[float] = 7.5,
        seed: int | Sequence[int] = 0,
        width: int | None = None,
        height: int | None = None,
        eta: float = 0.0,
        spacing: str | None = None,
        latent: Tensor | None = None,
        canvas: Canvas | None = None,
        guidance_start: float = 0.0,
        guidance_end: float = 1.0,
        deep_cache: int = 1,
        token_merging: float = 0.0,
        like: str = "diffusers",
        noise: Source | None = None,
        discard_penultimate: bool = False,
    ) -> Iterator[Step]:
        """Walk from noise to a finished latent, one Step for each call of the denoiser, then the finished one.

        Watching, stopping and editing are this loop: break, or assign `step.latent` or `step.x0`.

        Args:
            words: what to show, [B or 1, T, D], or a schedule of it, which may change from step to step.
            negative: what to avoid; the empty prompt when not given.
            sampler, steps, spacing, eta: see `garasu.diffusion.samplers`.
            guidance_scale: 1 is without guidance (and twice as fast). A distilled model (LCM) is told the scale
                instead: it needs no second row, and reads no negative prompt. A list gives each row its own.
            seed: one number gives every row the same noise; a list gives each row its own.
            width, height: in pixels, multiples of 8; the canvas's own, else the model's, when not given.
            latent: noise to start from in place of the seed's, standard normal, [B, 4, height/8, width/8].
            canvas: a picture to start from, with its strength and its mask.
            guidance_start, guidance_end: the part of the walk that is guided, as shares of its steps.
            deep_cache: the U-Net's deep part runs in every so many steps and is reused between; 1 is always.
            token_merging: the share of pixels, 0…0.75, that self-attention at the full size merges.
            like: whose levels, strengths and first x: see `garasu.diffusion.profiles`. How a mask's kept part is kept
                is the canvas's to say.
            noise: "cpu" or "nv", see `garasu.diffusion.Noise`; the profile's own when not given.
            discard_penultimate: lay out one step more and leave out the level before the last.

        Raises:
            ModelError: a size that is no multiple of 8 or not the canvas's, numbers of rows that do not match, or a
                mask for an inpainting model without the masked picture.
            SamplingError: an unknown sampler, spacing or profile, what the profile has not, or numbers out of range.
        """
        kind, profile = find_sampler(sampler), find_profile(like)
        strength = None if canvas is None else canvas.strength
        walk = profile.walk(kind, self.schedule, steps, spacing, strength, discard=discard_penultimate)
        seeds = list(seed) if isinstance(seed, Sequence) else [seed] * len(words)
        grid = run_size(self, width, height, canvas)
        draw = Noise(seeds, (self.vae.config.latent_channels, *grid), self.device, noise or profile.noise).draw
        unit = start_noise(latent, draw())  # drawn even if not used: the sampler's own noise stays the same
        scale = guidance_scale if isinstance(guidance_scale, (int, float)) else torch.tensor(guidance_scale)
        told = self.unet.config.guidance_width is not None
        cache = DeepCached(self.unet) if deep_cache != 1 else None
        denoiser = run_denoiser(self, grid, canvas, cache, told=scale if told else None, token_merging=token_merging)
        guidance = Guidance(scale, guidance_start, guidance_end, told)
        clock = profile.clock(kind, steps, walk.sigmas)
        stretches = guidance.stretches(words, negative, clock.steps, lambda: self.encode("").tensor)
        denoise = guidance.over(denoiser, [one.to(self.device) for one in stretches], walk.sigmas, clock)
        if cache is not None:
            denoise = refreshed(denoise, cache.forget, walk.sigmas, deep_cache)
        questions = kind.run(walk.sigmas, profile.first(kind, unit, walk, canvas, spacing), draw, eta=eta)
        if canvas is not None and (self.unet.config.in_channels == 4 or profile.keeps_nine):
            questions, denoise = canvas.keep(questions, unit, walk.final_sigma, draw), canvas.answered(denoise)
        total = kind.evaluations(walk.sigmas)
        return without_gradients(drive(questions, denoise, total=total, final_sigma=walk.final_sigma))
