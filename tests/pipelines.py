"""Whole pipelines of diffusers around networks with random weights that our model shares."""

from dataclasses import replace

from diffusers import DiffusionPipeline
from tests.checkpoints.models import sd_scheduler
from tests.conftest import build_tiny
from tests.networks.peers import unet_pair, vae_pair

from garasu.model import StableDiffusion
from garasu.networks.unet import UNetConfig
from garasu.networks.vae import VAEConfig


def pair(
    pipeline: type[DiffusionPipeline], channels: int = 4, guidance_width: int | None = None
) -> tuple[StableDiffusion, DiffusionPipeline]:
    """Our model and such a pipeline; the tokenizer and the text tower stay ours, so give it prompt_embeds."""
    config = UNetConfig(
        in_channels=channels,
        channels=(32, 64, 64),
        attention=(True, True, False),
        heads=(2, 4, 4),
        context_width=32,
        sample_size=16,
        guidance_width=guidance_width,
    )
    unet, their_unet = unet_pair(config)
    vae, their_vae = vae_pair(VAEConfig(channels=(32, 32, 64, 64), layers=1))
    theirs = pipeline(
        vae=their_vae,
        text_encoder=None,
        tokenizer=None,
        unet=their_unet,
        scheduler=sd_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        image_encoder=None,
        requires_safety_checker=False,
    )
    theirs.set_progress_bar_config(disable=True)
    return StableDiffusion(replace(build_tiny(channels).checkpoint, unet=unet, vae=vae)), theirs
