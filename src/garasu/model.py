"""A Stable Diffusion model: words in, a latent walked down the noise levels, a picture out.

words = sd.encode("a black cat")
for step in sd.sample(words, seed=7):
    ...                                  # step.x0 is what it believes now; edit step.latent if you like
picture = sd.decode(step.latent)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from garasu.checkpoints import Checkpoint, read
from garasu.diffusion.denoiser import Denoiser
from garasu.diffusion.guidance import guided
from garasu.diffusion.noise import Noise
from garasu.diffusion.samplers import find_sampler, start
from garasu.diffusion.schedule import Schedule
from garasu.diffusion.steps import Step, drive
from garasu.hardware import choose_device, choose_dtype
from garasu.images.convert import to_pictures, to_tensor
from garasu.networks.unet import UNet
from garasu.prompts.conditioning import Conditioning, encode

BUNDLED = Path(__file__).parent / "bundled"


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
        self.tokenizer = checkpoint.tokenizer
        self.denoiser = Denoiser(checkpoint.unet, checkpoint.schedule, checkpoint.prediction)
        self.name = name or checkpoint.name
        self.vae_name = vae_name
        self.eval()

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
        """Where the networks are."""
        return next(self.unet.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The number format that the networks compute in."""
        return next(self.unet.parameters()).dtype

    @torch.no_grad()
    def encode(self, prompts: str | Sequence[str], clip_skip: int = 1) -> Conditioning:
        """Words as the U-Net reads them: `.tensor` [B, 77, D], one row for each prompt, yours to edit.

        `clip_skip` 2 leaves out the last layer, 3 the last two, and so on. Warns (PromptCut) when a
        prompt does not fit, naming the words that were cut.
        """
        return encode(self.text_encoder, self.tokenizer, prompts, clip_skip=clip_skip)

    @torch.no_grad()
    def encode_image(self, picture: Image.Image | Tensor, seed: int | None = None) -> Tensor:
        """A picture as a latent [B, 4, H/8, W/8] of about unit variance, which `decode` turns back.

        `picture` is PIL, or a tensor [B, 3, H, W] in -1..1. The VAE answers with a distribution:
        without a seed its mean is taken, with one a draw from it. Raises ModelError for a size that
        is no multiple of 8.
        """
        image = to_tensor(picture) if isinstance(picture, Image.Image) else picture
        height, width = self._latent_size(image.shape[-1], image.shape[-2])
        posterior = self.vae.encode(image.to(self.device, self.dtype))
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
    def decode_each(self, latent: Tensor) -> list[Image.Image]:
        """The pictures of finished latents [B, 4, h, w], one at a time: decoding takes more memory than all else."""
        unscaled = (latent / self.vae.config.scaling_factor).to(self.device, self.dtype)
        return [picture for row in unscaled for picture in to_pictures(self.vae.decode(row[None]))]

    def sample(
        self,
        words: Conditioning | Tensor,
        *,
        negative: Conditioning | Tensor | None = None,
        sampler: str = "ddim",
        steps: int = 25,
        guidance_scale: float = 7.5,
        seed: int | Sequence[int] = 0,
        width: int | None = None,
        height: int | None = None,
        eta: float = 0.0,
        spacing: str | None = None,
        latent: Tensor | None = None,
    ) -> Iterator[Step]:
        """Walk from noise to a finished latent, one Step for each call of the denoiser, then the finished one.

        Watching, stopping and editing are this loop: break, or assign `step.latent` or `step.x0`.

        Args:
            words: what to show, [B or 1, T, D].
            negative: what to avoid; the empty prompt when not given.
            sampler, steps, spacing, eta: see `garasu.diffusion.samplers`.
            guidance_scale: 1 is without guidance (and twice as fast).
            seed: one number gives every row the same noise; a list gives each row its own.
            width, height: in pixels, multiples of 8.
            latent: noise to start from in place of the seed's, standard normal, [B, 4, height/8, width/8].

        Raises:
            ModelError: a size that is no multiple of 8, or numbers of rows that do not match.
            SamplingError: an unknown sampler or spacing, or numbers out of range.
        """
        kind = find_sampler(sampler)
        sigmas = kind.sigmas(self.schedule, steps, spacing)
        positive = self._tensor(words)
        seeds = list(seed) if isinstance(seed, Sequence) else [seed] * len(positive)
        native_width, native_height = self.native_size
        grid = self._latent_size(width or native_width, height or native_height)
        noise = Noise(seeds, (self.vae.config.latent_channels, *grid), self.device)
        unit = noise.draw()  # drawn even if not used: the sampler's own noise stays the same
        if latent is not None:
            unit = _like(latent, unit)
        against = None if guidance_scale == 1 else self._tensor(self.encode("") if negative is None else negative)
        denoise = guided(self._denoiser(grid), positive, against, guidance_scale)
        questions = kind.run(sigmas, start(kind, unit, float(sigmas[0]), spacing), noise.draw, eta=eta)
        total = kind.evaluations(sigmas)
        return _without_gradients(drive(questions, denoise, total=total, final_sigma=float(sigmas[-1])))

    def _tensor(self, words: Conditioning | Tensor) -> Tensor:
        return (words if isinstance(words, Tensor) else words.tensor).to(self.device)

    def _latent_size(self, width: int, height: int) -> tuple[int, int]:
        factor = self.vae.config.factor
        for name, pixels in (("width", width), ("height", height)):
            if pixels < factor or pixels % factor:
                near = max(factor, round(pixels / factor) * factor)
                raise ModelError(f"{name} must be a multiple of {factor} pixels, not {pixels}: take {near}")
        return height // factor, width // factor

    def _denoiser(self, grid: tuple[int, int]) -> Denoiser:
        """The denoiser that needs x, σ and words alone; an inpainting U-Net is told that everything is masked."""
        if self.unet.config.in_channels == 4:
            return self.denoiser
        factor = self.vae.config.factor
        gray = torch.zeros(1, 3, grid[0] * factor, grid[1] * factor)  # in -1..1
        mask = torch.ones(1, 1, *grid, device=self.device)
        unet = Inpainting(self.unet, torch.cat([mask, self.encode_image(gray)], dim=1))
        denoiser = Denoiser(unet, self.schedule, self.denoiser.prediction)
        denoiser.x0 = self.denoiser.x0  # so that whoever looks through this model's pane sees this run
        return denoiser


class Inpainting(nn.Module):
    """A 9-channel U-Net with its picture given, to be called as one of 4 channels.

    `picture` [1, 5, h, w] is the mask (1 where to paint) and the latent of the picture with the masked
    part gray. It is not noisy, so it enters beside x after x was scaled.
    """

    def __init__(self, unet: UNet, picture: Tensor) -> None:
        super().__init__()
        self.unet = unet
        self.picture = picture

    def forward(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        """x [B, 4, h, w] → ε or v [B, 4, h, w]."""
        picture = self.picture.to(x).expand(len(x), -1, -1, -1)
        return self.unet(torch.cat([x, picture], dim=1), t, context)  # [B, 9, h, w] in


def load(
    model: str | Path | None = None,
    *,
    vae: str | Path | None = None,
    device: str | torch.device = "auto",
    dtype: str | torch.dtype = "auto",
) -> StableDiffusion:
    """A model from a file, a folder or a hub id; the bundled one when none is named.

    `vae` takes the VAE from elsewhere. "auto" is the fastest device here, and the fastest number
    format that is safe on it. Raises CheckpointError for what cannot be read, HardwareError for a
    device or dtype that does not work here.
    """
    device = choose_device(device)
    dtype = choose_dtype(dtype, device)
    checkpoint = read(BUNDLED if model is None else model, vae=vae, dtype=dtype, device=device)
    return StableDiffusion(
        checkpoint,
        name="bundled" if model is None else _public_name(model),
        vae_name="" if vae is None else _public_name(vae),
    )


def _public_name(source: str | Path) -> str:
    """A hub id as it is, and of a path the last part: its folders tell too much about their owner."""
    return Path(source).resolve().name if Path(source).exists() else str(source)


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
