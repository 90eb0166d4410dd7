"""A Stable Diffusion model: words in, a latent walked down the noise levels, a picture out.

words = sd.encode("a black cat")
for step in sd.sample(words, seed=7):
    ...                                  # step.x0 is what it believes now; edit step.latent if you like
picture = sd.decode(step.latent)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar, cast

import torch
from PIL import Image
from torch import Tensor, nn

from garasu.checkpoints import Checkpoint
from garasu.diffusion.canvas import Canvas
from garasu.diffusion.denoiser import Denoiser
from garasu.diffusion.guidance import by_step, guided, within
from garasu.diffusion.noise import Noise, Source
from garasu.diffusion.profiles import find_profile
from garasu.diffusion.reuse import refreshed
from garasu.diffusion.samplers import find_sampler
from garasu.diffusion.schedule import Schedule
from garasu.diffusion.steps import Step, drive
from garasu.engine import Engine, Residence, Visiting, install, run_by
from garasu.images.convert import Rounding, to_pictures, to_tensor
from garasu.networks import tiled
from garasu.networks.deep_cache import DeepCached
from garasu.networks.given import Inpainting, Told
from garasu.networks.safety import SafetyReport
from garasu.networks.token_merging import TokenMerged
from garasu.prompts.conditioning import Conditioning, filled
from garasu.prompts.reader import Reader
from garasu.prompts.rules import ReadingRules
from garasu.prompts.schedule import Guided, PromptSchedule, Words, guided_stretches

WHOLE = 128 * 128  # cells of the largest latent that the VAE takes whole; Stable Diffusion's needs 10 GB there
Part = TypeVar("Part", bound=nn.Module)


class ModelError(ValueError):
    """A request that this model cannot fulfil, with what it can."""


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
        height, width = self._latent_size(image.shape[-1], image.shape[-2])
        image = image.to(self.device, self.dtype)
        vae = self._ready(self.vae)
        posterior = vae.encode(image) if height * width <= WHOLE else tiled.encode(vae, image)
        latent = posterior.mean.float()
        if seed is not None:
            noise = Noise([seed] * len(image), (latent.shape[1], height, width), self.device)
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
        return [picture for row in unscaled for picture in to_pictures(self._decoded(row[None]), rounding)]

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

    def _decoded(self, latent: Tensor) -> Tensor:
        vae = self._ready(self.vae)
        if latent.shape[-2] * latent.shape[-1] <= WHOLE:
            try:
                return vae.decode(latent)
            except torch.OutOfMemoryError:
                torch.cuda.empty_cache()
        return tiled.decode(vae, latent)

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
        sigmas, bottom = walk.sigmas, float(walk.sigmas[-1])
        seeds = list(seed) if isinstance(seed, Sequence) else [seed] * _rows(words)
        grid = self._grid(width, height, canvas)
        draw = Noise(seeds, (self.vae.config.latent_channels, *grid), self.device, noise or profile.noise).draw
        unit = draw()  # drawn even if not used: the sampler's own noise stays the same
        if latent is not None:
            unit = _like(latent, unit)
        told = self.unet.config.guidance_width is not None
        scale = guidance_scale if isinstance(guidance_scale, (int, float)) else torch.tensor(guidance_scale)
        cached = DeepCached(self.unet) if deep_cache != 1 else None
        network = self._approximated(cached or cast(nn.Module, self.denoiser.network), token_merging)
        denoiser = self._denoiser(Told(network, scale) if told else network, grid, canvas)
        stretches = self._stretches(words, negative, len(sigmas) - 1, told=told, scale=scale)
        answers = [guided(denoiser, one.parts, one.negative, 1 if told else scale) for one in stretches]
        denoise = by_step([(one.until, answer) for one, answer in zip(stretches, answers, strict=True)], sigmas)
        if (guidance_start, guidance_end) != (0, 1):
            alone = by_step([(one.until, guided(denoiser, one.parts, None, 1)) for one in stretches], sigmas)
            denoise = within(denoise, alone, sigmas, guidance_start, guidance_end)
        if cached is not None:
            denoise = refreshed(denoise, cached.forget, sigmas, deep_cache)
        questions = kind.run(sigmas, profile.first(kind, unit, walk, canvas, spacing), draw, eta=eta)
        if canvas is not None and (self.unet.config.in_channels == 4 or profile.keeps_nine):
            questions, denoise = canvas.keep(questions, unit, bottom, draw), canvas.answered(denoise)
        total = kind.evaluations(sigmas)
        return _without_gradients(drive(questions, denoise, total=total, final_sigma=bottom))

    @torch.no_grad()
    def _stretches(
        self, words: Words, negative: Words | None, steps: int, *, told: bool, scale: float | Tensor
    ) -> list[Guided]:
        """What to follow and what to avoid at every step; nothing to avoid where that would make no difference."""
        found = guided_stretches(words, None, steps)
        unguided = not isinstance(scale, Tensor) and scale == 1 and all(one.alone for one in found)
        if not (told or unguided):
            if negative is None:
                empty = self.encode("").tensor
                negative = filled(empty, found[0].parts[0].context.shape[1], empty)
            found = guided_stretches(words, negative, steps)
        return [one.to(self.device) for one in found]

    def _latent_size(self, width: int, height: int) -> tuple[int, int]:
        factor = self.vae.config.factor
        for name, pixels in (("width", width), ("height", height)):
            if pixels < factor or pixels % factor:
                near = max(factor, round(pixels / factor) * factor)
                raise ModelError(f"{name} must be a multiple of {factor} pixels, not {pixels}: take {near}")
        return height // factor, width // factor

    def _grid(self, width: int | None, height: int | None, canvas: Canvas | None) -> tuple[int, int]:
        """Height and width of the latent."""
        own = self.native_size if canvas is None else [self.vae.config.factor * n for n in canvas.latent.shape[:1:-1]]
        grid = self._latent_size(width or own[0], height or own[1])
        if canvas is not None and grid != tuple(canvas.latent.shape[2:]):
            raise ModelError(f"the picture to start from is {own[0]}x{own[1]}, not {width}x{height}: fit it first")
        return grid

    def _approximated(self, network: nn.Module, token_merging: float) -> nn.Module:
        """The U-Net, or what stands for it, with what was asked for to be nearly the same in less time."""
        if token_merging:
            network = TokenMerged(network, self.unet, token_merging)
        if self.residence is None or network is self.denoiser.network:
            return network
        return Visiting(self.unet, self.residence, network)

    def _denoiser(self, network: nn.Module, grid: tuple[int, int], canvas: Canvas | None) -> Denoiser:
        """Around the U-Net or what stands for it, the denoiser that needs x, σ and words alone."""
        if self.unet.config.in_channels == 9:
            network = Inpainting(network, self._picture(grid, canvas))
        if network is self.denoiser.network:
            return self.denoiser
        denoiser = Denoiser(network, self.schedule, self.denoiser.prediction)
        denoiser.x0 = self.denoiser.x0  # so that whoever looks through this model's pane sees this run
        return denoiser

    def _picture(self, grid: tuple[int, int], canvas: Canvas | None) -> Tensor:
        """What an inpainting U-Net sees beside x, [1, 5, h, w]; without a mask it may paint everywhere."""
        if canvas is not None and canvas.mask is not None:
            mask, masked = canvas.mask.to(self.device), canvas.masked
            if masked is None:
                raise ModelError("an inpainting model needs the masked picture beside the mask: give canvas.masked")
        else:
            factor = self.vae.config.factor
            gray = torch.zeros(1, 3, grid[0] * factor, grid[1] * factor)  # in -1..1
            mask, masked = torch.ones(1, 1, *grid, device=self.device), self.encode_image(gray)
        return torch.cat([mask, masked.to(self.device)], dim=1)


def _rows(words: Words) -> int:
    return len(words if isinstance(words, (Tensor, PromptSchedule)) else words.tensor)


def _like(latent: Tensor, unit: Tensor) -> Tensor:
    if latent.shape != unit.shape:
        raise ModelError(f"the latent to start from must be {tuple(unit.shape)}, not {tuple(latent.shape)}")
    return latent.to(unit)


def _without_gradients(steps: Iterator[Step]) -> Iterator[Step]:
    """The same steps, computed without gradients; between them the caller's own setting holds."""
    while True:
        with torch.no_grad():
            step = next(steps, None)
        if step is None:
            return
        yield step
