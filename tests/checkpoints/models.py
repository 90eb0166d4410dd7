"""Stable Diffusions with random weights, made and saved by diffusers and transformers."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from tests.networks.peers import randomise
from torch import Tensor
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from garasu.checkpoints.clip_vocabulary import tokenizer

UNET_BLOCKS = {
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
}


def sd_scheduler(prediction: str = "epsilon") -> DDIMScheduler:
    """diffusers' DDIM with the settings of Stable Diffusion's own files."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type=prediction,
    )


@dataclass
class Models:
    """The three networks as the other libraries build them."""

    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text: CLIPTextModel
    prediction: str = "epsilon"
    openclip: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    def save(self, path: Path, **options: Any) -> Path:
        """A diffusers folder."""
        folder = path / "tokenizer-source"
        tokenizer(None, vocab_size=49408, openclip=self.openclip).save(folder)
        pipeline = StableDiffusionPipeline(
            vae=self.vae,
            text_encoder=self.text,
            tokenizer=CLIPTokenizer.from_pretrained(folder),
            unet=self.unet,
            scheduler=sd_scheduler(self.prediction),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
            **self.extra,
        )
        pipeline.save_pretrained(path / "model", **options)
        return path / "model"


def tiny(kind: str = "sd1", seed: int = 0) -> Models:
    """``sd1``, ``inpainting``, ``sd2`` or ``lcm`` with a few million weights; heads by the rule of the real ones."""
    second = kind == "sd2"
    unet = UNet2DConditionModel(
        sample_size=96 if second else 64,
        in_channels=9 if kind == "inpainting" else 4,
        block_out_channels=(64, 128, 128, 128) if second else (32, 64, 64, 64),
        attention_head_dim=(1, 2, 2, 2) if second else 8,
        cross_attention_dim=64,
        layers_per_block=2,
        use_linear_projection=second,
        time_cond_proj_dim=16 if kind == "lcm" else None,
        **UNET_BLOCKS,
    )
    vae = AutoencoderKL(
        block_out_channels=(32, 32, 64),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=4,
        layers_per_block=2,
    )
    prediction = "v_prediction" if second else "epsilon"
    return _seeded(Models(unet, vae, text(64, 3, "gelu" if second else "quick_gelu"), prediction, second), seed)


def text(width: int, layers: int, activation: str) -> CLIPTextModel:
    """A text encoder over CLIP's whole vocabulary, with heads of width 64 as in every real one."""
    config = CLIPTextConfig(
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        hidden_act=activation,
    )
    return CLIPTextModel(config)


def vision(width: int = 64) -> CLIPVisionModelWithProjection:
    """A small vision tower."""
    config = CLIPVisionConfig(
        hidden_size=width, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, image_size=32,
        patch_size=16, projection_dim=24,
    )  # fmt: skip
    model = CLIPVisionModelWithProjection(config).eval()
    randomise(model, 7)
    return model


def full(kind: str = "sd1", seed: int = 0) -> Models:
    """Stable Diffusion 1.5 (``sd1``), its inpainting variant, or 2.1 at full size."""
    second = kind == "sd2"
    with torch.device("meta"):
        unet = UNet2DConditionModel(
            sample_size=96 if second else 64,
            in_channels=9 if kind == "inpainting" else 4,
            block_out_channels=(320, 640, 1280, 1280),
            attention_head_dim=(5, 10, 20, 20) if second else 8,
            cross_attention_dim=1024 if second else 768,
            layers_per_block=2,
            use_linear_projection=second,
            **UNET_BLOCKS,
        )
        vae = AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            latent_channels=4,
            layers_per_block=2,
        )
    encoder = text(1024, 23, "gelu") if second else text(768, 12, "quick_gelu")
    return _seeded(Models(unet, vae, encoder, "v_prediction" if second else "epsilon", second), seed)


def states(models: Models) -> dict[str, dict[str, Tensor]]:
    """State dicts by part, the text encoder's with ``text_model.`` as transformers 4 names it."""
    words = {f"text_model.{key.removeprefix('text_model.')}": value for key, value in models.text.state_dict().items()}
    words = {key: value for key, value in words.items() if "position_ids" not in key}
    return {"unet": models.unet.state_dict(), "vae": models.vae.state_dict(), "text": words}


def _seeded(models: Models, seed: int) -> Models:
    for i, network in enumerate((models.unet, models.vae, models.text)):
        randomise(network, 10 * seed + i)
        network.eval()
    return models


@torch.no_grad()
def outputs(unet: Any, vae: Any, text: Any, *, peers: bool) -> dict[str, Tensor]:
    """What the three networks answer to the same seeded questions; ``peers`` calls them as diffusers' classes."""
    generator = torch.Generator().manual_seed(5)
    channels = unet.config.in_channels
    x = torch.randn(2, channels, 8, 8, generator=generator)
    t = torch.tensor([3.0, 981.0])
    ids = torch.randint(0, 49408, (2, 77), generator=generator)
    image = torch.rand(1, 3, 32, 32, generator=generator) * 2 - 1
    latent = torch.randn(1, 4, 8, 8, generator=generator)
    if peers:
        context = text(ids)[0]
        return {
            "text": context,
            "unet": unet(x, t, context).sample,
            "encode": vae.encode(image).latent_dist.mean,
            "decode": vae.decode(latent).sample,
        }
    context = text(ids)
    return {
        "text": context, "unet": unet(x, t, context), "encode": vae.encode(image).mean, "decode": vae.decode(latent)
    }  # fmt: skip


def difference(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> dict[str, float]:
    """Largest absolute difference by output."""
    assert ours.keys() == theirs.keys()
    return {key: (ours[key] - theirs[key]).abs().max().item() for key in theirs}


def quietly(function: Any, *args: Any, **options: Any) -> Any:
    """Call into the other libraries without their warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **options)
