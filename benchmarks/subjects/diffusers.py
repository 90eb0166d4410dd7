"""diffusers, as its documentation uses it."""

import os
from collections.abc import Callable
from functools import cached_property

import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel
from PIL import Image
from transformers import CLIPTextModel

from benchmarks import inputs
from benchmarks.subjects import PROMPT, Setup


class Engine:
    """Its pipeline in one number format; `compile` is channels_last and torch.compile, the best it can do."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.dtype = getattr(torch, setup.options["dtype"])
        self.compiles = setup.options.get("compile", False)
        if self.compiles and setup.device == "cpu":
            os.environ["TORCHINDUCTOR_FREEZING"] = "1"  # read when inductor is first used

    @cached_property
    def unet(self) -> UNet2DConditionModel:
        """The U-Net, compiled if asked for."""
        unet = UNet2DConditionModel.from_pretrained(self.setup.folder / "unet", torch_dtype=self.dtype)
        unet = unet.to(self.setup.device).eval()
        if self.compiles:
            unet = unet.to(memory_format=torch.channels_last)
            unet.compile(mode=self._mode, fullgraph=True, dynamic=False)
        return unet

    @property
    def _mode(self) -> str:
        """On a GPU the launches are the cost at batch 1, so CUDA graphs; tuning as well would take minutes more."""
        return "reduce-overhead" if self.setup.device == "cuda" else "max-autotune"

    @cached_property
    def vae(self) -> AutoencoderKL:
        """The VAE."""
        vae = AutoencoderKL.from_pretrained(self.setup.folder / "vae", torch_dtype=self.dtype)
        vae = vae.to(self.setup.device).eval()
        return vae.to(memory_format=torch.channels_last) if self.compiles else vae

    @cached_property
    def text_encoder(self) -> CLIPTextModel:
        """The text encoder."""
        text = CLIPTextModel.from_pretrained(self.setup.folder / "text_encoder", dtype=self.dtype)
        return text.to(self.setup.device).eval()

    @cached_property
    def pipeline(self) -> StableDiffusionPipeline:
        """All of it, without a progress bar."""
        made = StableDiffusionPipeline.from_pretrained(
            self.setup.folder, unet=self.unet, vae=self.vae, text_encoder=self.text_encoder, safety_checker=None
        )
        made.set_progress_bar_config(disable=True)
        return made

    def load(self) -> None:
        """Read every part."""
        _ = self.pipeline

    def step(self, rows: int, height: int, width: int) -> Callable[[], object]:
        """The U-Net, called exactly as the pipeline calls it, so that both run the same compiled code."""
        x = inputs.normal(rows, 4, height, width).to(self.setup.device, self.dtype)
        words = inputs.normal(rows, 77, self.setup.size.width).to(x)
        t = torch.tensor(int(inputs.TIMESTEP), device=x.device)
        named = {"timestep_cond": None, "cross_attention_kwargs": None, "added_cond_kwargs": None, "return_dict": False}
        return lambda: self.unet(x, t, encoder_hidden_states=words, **named)

    def encode(self, side: int) -> Callable[[], object]:
        """The VAE's encoder."""
        picture = inputs.picture(side).to(self.setup.device, self.dtype)
        return lambda: self.vae.encode(picture).latent_dist.mean

    def decode(self, side: int) -> Callable[[], object]:
        """The VAE's decoder."""
        latent = inputs.normal(1, 4, side, side).to(self.setup.device, self.dtype)
        return lambda: self.vae.decode(latent, return_dict=False)

    def text(self) -> Callable[[], object]:
        """The text encoder."""
        ids = inputs.token_ids(self.setup.size).to(self.setup.device)
        return lambda: self.text_encoder(ids)

    def pictures(
        self, *, steps: int, count: int, pixels: int, tokens: int, lap: Callable[[str], None]
    ) -> list[Image.Image]:
        """A batch of one prompt; only 77 tokens, as the pipeline takes them."""
        assert tokens == 77
        pipeline = self.pipeline
        words, nothing = pipeline.encode_prompt(PROMPT, self.setup.device, count, True, "")
        lap("text")
        latents = pipeline(
            prompt_embeds=words,
            negative_prompt_embeds=nothing,
            num_inference_steps=steps,
            width=pixels,
            height=pixels,
            generator=torch.Generator().manual_seed(0),
            output_type="latent",
        ).images
        lap("steps")
        decoded = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor, return_dict=False)[0]
        pictures = pipeline.image_processor.postprocess(decoded)
        lap("decode")
        return pictures
